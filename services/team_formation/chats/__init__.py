"""What chat services tell us: their apps, their calls kept until they are worked, and the answers in the chats.

`hooks` says whether a call is theirs and what it says; here it is kept and worked. Words go out through notification,
which alone has the apps' tokens.
"""
