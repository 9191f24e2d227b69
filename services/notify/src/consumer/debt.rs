//! What arrears orders: notices of debts. What is owed is asked of arrears before the transaction; a contact that turned
//! out to be somebody else's gets nothing (operations.md O15).

use std::collections::HashSet;

use chrono_tz::Tz;
use relight_common::{Work, telemetry, wire};
use relight_proto::{
    arrears::v1::TextOfReply,
    events::v1::{ArrearsNotice, Event},
};
use uuid::Uuid;

use super::{
    Notices, Plan,
    asked::{Asked, asks},
};
use crate::{
    domain::{
        debt::{Debt, Kind},
        quiet::leave,
    },
    error::Error,
    people::Recipient,
    rounds::hold,
    store::{
        message::{self, About, Notice, Row},
        notice::{self, Order},
        result, wrong,
    },
};

/// A notice of a debt, with those who are told.
#[derive(Debug)]
pub struct Debtor {
    id: Uuid,
    case: Uuid,
    customer: Uuid,
    debt: Debt,
    recipients: Vec<Recipient>,
}

fn read(kind: Kind, notice: &ArrearsNotice, text: TextOfReply, zone: Tz) -> Result<Debt, Error> {
    let number = if text.notice_number.is_empty() {
        &notice.number
    } else {
        &text.notice_number
    };
    let mut debt = Debt {
        kind,
        account_tail: text.account_tail,
        amount_cents: text.amount_cents,
        currency: text.currency,
        due_on: text.due_on,
        number: number.clone(),
        stop_at: wire::instant_opt("stop_at", text.stop_at)?,
        off_at: wire::instant_opt("off_at", text.off_at)?,
        reconnect_by: wire::instant_opt("reconnect_by", text.reconnect_by)?,
        on_at: wire::instant_opt("on_at", text.on_at)?,
        hours: text.hours,
        pay_hint: [text.pay_hint_zh, text.pay_hint_en],
        zone: notice.zone.parse().unwrap_or(zone),
    };
    // What the words of a kind cannot do without is missing by its name, before anybody waits for the message.
    match kind {
        Kind::Disconnection | Kind::PreNotice => debt.stop_at = Some(wire::instant("stop_at", text.stop_at)?),
        Kind::Disconnected | Kind::Apology => debt.off_at = Some(wire::instant("off_at", text.off_at)?),
        Kind::Reconnected => debt.on_at = Some(wire::instant("on_at", text.on_at)?),
        Kind::Reminder | Kind::PaymentReceived | Kind::Withdrawn => {}
    }
    Ok(debt)
}

impl Notices {
    pub(super) async fn arrears_notice(&self, notice: ArrearsNotice, asked: &Asked) -> Result<Plan, Error> {
        let Some(kind) = Kind::parse(&notice.kind) else {
            return Ok(Plan::Unknown);
        };
        let customer = wire::uuid("customer_id", &notice.customer_id)?;
        let text = match asked.text(&notice.notice_id) {
            Some(text) => text,
            None => self.people.text_of(asks(&notice)).await?,
        };
        if text.stale {
            return Ok(Plan::Nothing);
        }
        Ok(Plan::Debt(Box::new(Debtor {
            id: wire::uuid("notice_id", &notice.notice_id)?,
            case: wire::uuid("case_id", &notice.case_id)?,
            customer,
            debt: read(kind, &notice, text, self.zone)?,
            recipients: asked.contacts(customer),
        })))
    }

    pub(super) async fn tell_debtor(
        &self,
        work: &mut Work,
        event: &Event,
        told: &Debtor,
    ) -> Result<(), Error> {
        let (debt, now) = (&told.debt, self.clock.now());
        let (purpose, trace) = (debt.kind.purpose(), telemetry::traceparent());
        let order = Order {
            id: told.id,
            outage: None,
            case: Some(told.case),
            plan_no: 0,
            kind: debt.kind.word(),
            org_path: &event.org_path,
            rank: purpose.rank(),
            payload: &[],
            ordered_at: now,
            traceparent: &trace,
        };
        if !notice::order(work.conn(), &order).await? {
            return Ok(());
        }
        let about = About::Case(told.case);
        message::take_back(work.conn(), about, debt.kind.takes_back(), None, now).await?;
        // The first contact of a channel that is not known to be somebody else's.
        let (mut rows, mut has) = (Vec::new(), HashSet::new());
        for one in &told.recipients {
            let wrong = wrong::active(work.conn(), told.customer, one.channel.word(), &one.key).await?;
            if wrong.is_none() && has.insert(one.channel) {
                rows.push(self.debt_row(debt, one));
            }
        }
        if rows.is_empty() {
            return result::unreached(work.conn(), told.id, &[told.customer], now).await;
        }
        let notice = Notice {
            purpose,
            subject: told.id,
            version: 1,
            incident: None,
            outage: None,
            case: Some(told.case),
            org_path: &event.org_path,
            zone: debt.zone.name(),
            template: purpose.template(),
            template_version: self.book.current(purpose.template()),
            traceparent: &trace,
            created_at: now,
        };
        let rows = hold(rows, purpose, |_| false);
        message::insert(work.conn(), &notice, &rows).await?;
        self.bells.ring_after(work, &rows);
        Ok(())
    }

    fn debt_row(&self, debt: &Debt, to: &Recipient) -> Row {
        let life = leave(
            debt.kind.purpose(),
            false,
            self.clock.now(),
            debt.zone,
            debt.ends_at(),
        );
        let id = Uuid::now_v7();
        Row {
            id,
            reach: to.reach,
            channel: to.channel,
            recipient: to.key,
            masked: to.masked.clone(),
            night: life.night,
            language: to.language,
            sealed: self.sealer.seal(id, &debt.vars(&self.house, to.language)),
            due_at: life.due_at,
            expires_at: life.expires_at,
            held: false,
            role: to.role,
        }
    }
}
