#!/bin/sh
# A hook of mmdebstrap: makes what was unpacked into a base that holds Python, its libraries and nothing to work with.
# It runs outside, with the root file system as its argument.
set -eu
root=$1

# Authorities, which Debian's package would put together when it is configured.
mkdir -p "$root/etc/ssl/certs"
cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"

# No shell, no package manager: what is in bin and sbin goes, but for Python.
find "$root/bin" "$root/sbin" "$root/usr/sbin" -mindepth 1 -delete 2>/dev/null || true
find "$root/usr/bin" -mindepth 1 ! -name 'python3*' -delete

# Licences stay, the rest of the documentation goes.
find "$root/usr/share/doc" \( -type f -o -type l \) ! -name copyright -delete
find "$root/usr/share/doc" -type d -empty -delete
for folder in usr/share/man usr/share/locale usr/share/info usr/share/lintian usr/share/ca-certificates \
    usr/share/bash-completion usr/share/debconf usr/share/perl5 usr/share/polkit-1 usr/share/applications usr/share/pixmaps \
    usr/lib/python3.11/lib2to3 usr/lib/python3.11/pydoc_data usr/lib/python3.11/ensurepip \
    usr/lib/x86_64-linux-gnu/perl-base usr/lib/x86_64-linux-gnu/gconv \
    etc/alternatives etc/cron.daily etc/logrotate.d etc/systemd usr/lib/systemd lib/systemd; do
    rm -rf "${root:?}/$folder"
done

# Whoever asks for the names of users finds the two that there are.
printf 'root:x:0:0:root:/:/nonexistent\ngroupbuy:x:65532:65532:groupbuy:/tmp:/nonexistent\n' >"$root/etc/passwd"
printf 'root:x:0:\ngroupbuy:x:65532:\n' >"$root/etc/group"
mkdir -p "$root/tmp" "$root/proc" "$root/sys" "$root/dev" "$root/run"
chmod 1777 "$root/tmp"

# Compiled now, as nothing can be written later.
chroot "$root" /usr/bin/python3.11 -m compileall -q --invalidation-mode unchecked-hash /usr/lib/python3.11
