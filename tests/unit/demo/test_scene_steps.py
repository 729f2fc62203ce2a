"""Steps of waitlists, payments, sponsors, hosts and promoters are read as written, or refused with the line."""

from pathlib import Path

import pytest

from deploy.demo.errors import SceneError
from deploy.demo.scene import model, read_scene, read_scenes

HEAD = """\
title = "A team"
[campaign]
title = "Tea"
payment = "COMMIT"
minimum = 2
maximum = 3
[[campaign.item]]
sku = "tea"
alone = 10
[[campaign.item]]
sku = "cup"
alone = 5
[[campaign.tier]]
from = 2
percent_off = 10
[members]
Mei = "email"
Tom = "email"
[[step]]
share = "Mei"
in = ["line"]
[[step]]
promote = "Rita"
in = ["sms", "telegram"]
commission = 2.5
note = "Good tea."
[[step]]
"""
LINE = HEAD.count("\n") + 1


def read(folder: Path, step: str) -> model.Step:
    path = folder / "scene.toml"
    path.write_text(f"{HEAD}{step}\n")
    return read_scene(path, {}).steps[-1]


@pytest.mark.parametrize(
    ("step", "wanted"),
    [
        (
            'join = "Tom"\nby = "sms"\ngets = "waitlist"',
            model.Join("Tom", "sms", "tea", 1, True, None, "waitlist", "", LINE),  # noqa: FBT003 - as the class has it
        ),
        (
            'find = "Tom"\nitem = "cup"\npays_later = true',
            model.Join("Tom", "", "cup", 1, False, None, "seat", "", LINE),  # noqa: FBT003
        ),
        ('pay = "Tom"\ntoo_late = true', model.Pay("Tom", None, too_late=True, refused="", line=LINE)),
        ('settles = "Tom"', model.Settles("Tom", LINE)),
        ('captures = "Tom"\nfails = true', model.Captures("Tom", fails=True, line=LINE)),
        ('delivered = "Tom"', model.Delivered("Tom", None, "", "", LINE)),
        (
            'delivered = "Tom"\naccepted = 0\nbecause = "not_at_home"',
            model.Delivered("Tom", 0, "not_at_home", "", LINE),
        ),
        ('leave = "Tom"\nquantity = 2', model.Leave("Tom", 2, "", LINE)),
        ('extend = "Tom"\nrefused = "HOLD_NOT_EXTENDABLE"', model.Extend("Tom", "HOLD_NOT_EXTENDABLE", LINE)),
        ('runs_out = "Tom"\nwithin = "5 s"', model.RunsOut("Tom", 5.0, LINE)),
        ('default = "Tom"\nreason = "lapsed"', model.Default("Tom", "lapsed", "", LINE)),
        ('sponsor = 2\nitem = "cup"', model.Sponsor(2, "cup", "", LINE)),
        (
            'cancel = "campaign"\nformed_too = true\nreason = "recall"',
            model.Cancel("campaign", "recall", formed_too=True, refused="", line=LINE),
        ),
        ('pause = "Dana"', model.Pause("Dana", "", LINE)),
        ('resume = "Dana"', model.Resume("Dana", "", LINE)),
        ('direct = "Dana"\nstart = true', model.Direct("Dana", "start", "", 0, 0.0, "", LINE)),
        ('direct = "Dana"\nshow = "cup"', model.Direct("Dana", "show", "cup", 0, 0.0, "", LINE)),
        ('direct = "Dana"\nrelease = 5', model.Direct("Dana", "release", "tea", 5, 0.0, "", LINE)),
        ('direct = "Dana"\nlonger = "5 min"', model.Direct("Dana", "longer", "", 0, 300.0, "", LINE)),
        ('direct = "Dana"\nclose_in = "1 s"', model.Direct("Dana", "close_in", "", 0, 1.0, "", LINE)),
        ('looks = 40\nby = "telegram"', model.Looks(40, "telegram", LINE)),
        ('share_text = "sms"', model.ShareText("sms", "sms", "", LINE)),
        (
            'share_text = "sms"\nchannel = "email"\nlanguage = "es"',
            model.ShareText("sms", "email", "es", LINE),
        ),
        ('report = "Rita"', model.Report("Rita", LINE)),
        ('report_by = "channel"', model.ReportBy("channel", LINE)),
        ('letter = "Tom"\nabout = "LEADING"', model.Letter("Tom", "LEADING", 20.0, LINE)),
        ('wait_for = "cancelled"', model.WaitFor("cancelled", 60.0, LINE)),
    ],
)
def test_a_step_is_read_as_written(tmp_path: Path, step: str, wanted: model.Step) -> None:
    assert read(tmp_path, step) == wanted


def test_a_promoters_commission_is_a_percentage_with_hundredths(tmp_path: Path) -> None:
    path = tmp_path / "scene.toml"
    path.write_text(f'{HEAD}report = "Rita"\n')
    assert read_scene(path, {}).steps[1] == model.Promote("Rita", ("sms", "telegram"), 250, "Good tea.", LINE - 5)


def test_expectations_are_read_as_written(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        'expect = { waiting = 1, sponsored = 2, leads = "nobody", seats = { Tom = "team_ended" }, caps = { Tom = 9 }, '
        'pays = { Mei = 8.50 }, back = { Mei = 0 }, settled = { LATE_PAYMENT = 1 }, campaign = "paused", '
        'promoted = { promoter = "Rita", opened = 3, commission = 0.02 } }',
    )
    assert found == model.Expect(
        line=LINE,
        within=20.0,
        waiting=1,
        sponsored=2,
        leads="nobody",
        seats={"Tom": "team_ended"},
        caps={"Tom": 900},
        pays={"Mei": 850},
        back={"Mei": 0},
        settled={"LATE_PAYMENT": 1},
        campaign="paused",
        promoted=model.Promoted("Rita", {"opened": 3}, {"commission": 2}),
    )


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ('delivered = "Tom"\naccepted = 1\nbecause = "fake"', 'because: "fake" is not known. There are:'),
        ('delivered = "Tom"\nbecause = "damaged"', "Where everything was taken there is no `because`."),
        ('direct = "Dana"', "A host does one thing at a time. Write one of start, show, release, longer, close_in."),
        (
            'direct = "Dana"\nshow = "tea"\nrelease = 1',
            "A host does one thing at a time. Write one of start, show, release, longer, close_in.",
        ),
        ('direct = "Dana"\nstart = false', "start = false does nothing. Write true, or leave the step out."),
        ('cancel = "teem"', 'cancel: "teem" is not known. Did you mean "team"?'),
        ('report = "Mei"', 'report: "Mei" is not known. There is: Rita.'),
        ("sponsor = 0", "sponsor = 0 is too small. Write 1 or more."),
        ('join = "Tom"\nby = "line"\ngets = "wait"', 'gets: "wait" is not known. Did you mean "waitlist"?'),
        ('expect = { seats = { Tom = "gone" } }', 'Tom: "gone" is not known. There are: confirmed,'),
        ('expect = { seats = { Tim = "held" } }', 'seats: "Tim" is not known. Did you mean "Tom"?'),
        ("expect = { settled = { LATE = 1 } }", 'settled: "LATE" is not known.'),
        ('expect = { promoted = { promoter = "Rita", open = 1 } }', '"open" is not known here. Did you mean "opened"?'),
    ],
)
def test_a_mistake_in_a_step_is_told_with_line_and_remedy(tmp_path: Path, step: str, told: str) -> None:
    with pytest.raises(SceneError) as error:
        read(tmp_path, step)
    place, words = str(error.value).split(": ", 1)
    line = int(place.rpartition(":")[2])
    assert LINE <= line <= LINE + step.count("\n")
    assert words.startswith(told)


def test_a_scene_that_goes_on_knows_promoters_and_their_chats(tmp_path: Path) -> None:
    (tmp_path / "1-first.toml").write_text(f'{HEAD}open = "Mei"\n')
    (tmp_path / "2-second.toml").write_text(
        'title = "On"\ncontinues = "1-first"\n[[step]]\nlooks = 2\nby = "sms"\n[[step]]\nreport = "Rita"\n'
    )
    assert read_scenes(tmp_path)["2-second"].steps == (model.Looks(2, "sms", 4), model.Report("Rita", 7))
