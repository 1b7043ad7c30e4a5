"""The endpoints of notices."""

from __future__ import annotations

from slipway.www.actions import notices as notice_control
from slipway.www.api.route import Route
from slipway.www.shapes import notices
from slipway.www.shapes.base import Listing
from slipway.www.views import notices as notice_view

__all__ = ["NOTICE_CONTROL", "NOTICE_READING"]

NOTICE_READING = (
    Route(
        "GET",
        "outbox",
        "notice.own",
        notice_view.list_deliveries,
        Listing[notices.NoticeDelivery],
        "Notices on their way, and where they went; those who may see all of them do",
        query=notices.DeliveriesQuery,
    ),
    Route(
        "GET",
        "outbox/{id}",
        "notice.own",
        notice_view.show_delivery,
        notices.WholeDelivery,
        "A notice as its channel gets it",
        wrong=404,
    ),
    Route(
        "GET",
        "notices/rules",
        "notice.own",
        notice_view.show_settings,
        notices.NoticeSettings,
        "A person's own rules, and the channels and events there are",
        query=notices.RulesQuery,
    ),
)
NOTICE_CONTROL = (
    Route(
        "POST",
        "outbox/resend",
        "notice.any",
        notice_control.resend,
        notices.NumberOfDeliveries,
        "Send dead letters, and what waits, now",
        body=notices.Deliveries,
    ),
    Route(
        "POST",
        "outbox/discard",
        "notice.any",
        notice_control.discard,
        notices.NumberOfDeliveries,
        "End notices without sending them",
        body=notices.Deliveries,
    ),
    Route(
        "POST",
        "notices/rules",
        "notice.own",
        notice_control.set_own,
        notices.NoticeSettings,
        "Set a person's own rules, all of them",
        body=notices.SetRules,
        wrong=400,
    ),
)
