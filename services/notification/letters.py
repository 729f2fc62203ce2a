"""Makes letters of deliveries: what a channel is given, with its buttons as far as it has some."""

from services.notification.channels import Letter, Setup
from services.notification.domain import Action, Contact, with_link, without_link
from services.notification.rendering import label_of
from services.notification.store import Claimed
from services.notification.translate import team_of


def letter_of(
    item: Claimed, contact: Contact, setup: Setup, *, place: str = "", unsubscribe: str = "", edits: str = ""
) -> Letter:
    """Make the letter to a contact point; `place` is the link of the member's own page.

    A button leads to what there is to do, and where there is nothing to the member's page. Beside another button the
    page has the second one, and where there is none, the text's last line.
    """
    body, button = item.body, (item.link, item.link_label)
    page = (place, label_of(Action.PLACE, item.language) if place else "")
    if setup.has_buttons:
        body = without_link(body, item.link_label, item.link)
        button = button if item.link else page
    if place and not setup.has_second_button and button != page:
        body = with_link(body, page[1], place)
    return Letter(
        delivery_id=item.delivery_id,
        address=contact.address,
        kind=item.kind,
        member_id=item.member_id,
        team_id=team_of(item.campaign_id, item.team_id),
        language=item.language,
        subject=item.subject,
        body=body,
        written_at=item.created_at,
        link=button[0],
        link_label=button[1],
        place=place,
        place_label=page[1],
        unsubscribe=unsubscribe,
        edits=edits if setup.edits else "",
    )
