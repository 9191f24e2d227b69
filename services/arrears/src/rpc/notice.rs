//! The notice as it was printed, and the check anybody may make of its number.

use relight_common::{Begun, Claims, Role, Work, command::Meta, ids::CommandId, wire};
use relight_proto::{
    arrears::v1::{self as w, CheckNoticeReply, Notice, NoticeRequest},
    common::v1::Point,
};
use serde_json::json;

use super::Api;
use crate::{
    domain::{
        State,
        case::{Reminder, Served},
    },
    error::Error,
    outside::Outside,
    store::{
        account::Bill,
        case::{self, Stored},
        notice::{self, Row},
    },
};

/// Who sees notices of their area; the account holder sees the own ones.
const READ: [Role; 4] = [Role::Agent, Role::Manager, Role::Admin, Role::Crew];

impl<O: Outside> Api<O> {
    pub(super) async fn printed(&self, claims: &Claims, ask: NoticeRequest) -> Result<Notice, Error> {
        let (row, stored) = self.find_notice(&ask).await?.ok_or(Error::NoNotice)?;
        let own = claims.has(&[Role::Customer]) && claims.customer_id == Some(stored.customer_id);
        if !own && !claims.has_at(&READ, &stored.org_path) {
            return Err(Error::NoNotice);
        }
        self.audit_view(claims, "arrears.notice_viewed", &row.number, json!({}))
            .await?;
        let served = match &stored.doc.state {
            // It has to be served again: what was taken for its service was none.
            State::NoticeIssued { notice, .. } if notice.number == row.number => None,
            _ => notice::service(self.db.pool(), &row.number).await?,
        };
        let mut told = shown(&row, &stored, self.currency(&stored.doc));
        if let Some(served) = served {
            service(&mut told, &served);
        }
        Ok(told)
    }

    pub(super) async fn checked(
        &self,
        _claims: &Claims,
        ask: NoticeRequest,
    ) -> Result<CheckNoticeReply, Error> {
        Ok(match self.find_notice(&ask).await? {
            Some((row, stored)) => CheckNoticeReply {
                genuine: true,
                valid: stands(&row, &stored),
                issued_at: Some(wire::timestamp(row.issued_at)),
                zone: stored.doc.zone.name().to_owned(),
            },
            None => CheckNoticeReply::default(),
        })
    }

    async fn find_notice(&self, ask: &NoticeRequest) -> Result<Option<(Row, Stored)>, Error> {
        let number = wire::text_required("number", &ask.number, 32)?.to_uppercase();
        let Some(row) = notice::get(self.db.pool(), &number).await? else {
            return Ok(None);
        };
        let stored = case::get(self.db.pool(), row.case_id).await?;
        Ok(stored.map(|stored| (row, stored)))
    }

    /// Who saw whose debt when.
    pub(super) async fn audit_view(
        &self,
        claims: &Claims,
        action: &'static str,
        number: &str,
        detail: serde_json::Value,
    ) -> Result<(), Error> {
        let meta = Meta {
            id: CommandId::new(),
            actor: claims.actor.clone(),
            body_hash: [0; 32],
            at: self.clock.now(),
        };
        match Work::begin::<()>(&self.db, meta).await? {
            Begun::New(mut work) => {
                work.audit(action, number, detail);
                Ok(work.commit(()).await?)
            }
            Begun::Before(()) => Ok(()),
        }
    }
}

/// A notice stands while its case does and names it.
fn stands(row: &Row, stored: &Stored) -> bool {
    let state = &stored.doc.state;
    state.is_before_cut() && state.notice().is_some_and(|notice| notice.number == row.number)
}

fn bill(bill: &Bill) -> w::Bill {
    w::Bill {
        period: bill.period.clone(),
        amount_cents: bill.amount_cents,
        late_fee_cents: bill.late_fee_cents,
        due_on: bill.due_on.to_string(),
    }
}

fn reminder(reminder: &Reminder) -> w::Reminder {
    w::Reminder {
        at: Some(wire::timestamp(reminder.at)),
        channel: reminder.channel.clone(),
    }
}

fn shown(row: &Row, stored: &Stored, currency: &str) -> Notice {
    let printed = &row.doc.0;
    Notice {
        number: row.number.clone(),
        issued_at: Some(wire::timestamp(row.issued_at)),
        issuer: printed.issuer.clone(),
        approver: printed.approver.clone(),
        customer_name: printed.name.clone(),
        account: stored.account.clone(),
        address_zh: printed.address_zh.clone(),
        address_en: printed.address_en.clone(),
        amount_cents: printed.amount_cents,
        bills: printed.bills.iter().map(bill).collect(),
        due_on: printed.due_on.clone(),
        reminded_at: Some(wire::timestamp(printed.reminded_at)),
        reminder_channel: printed.reminder_channel.clone(),
        stop_at: Some(wire::timestamp(printed.stop_at)),
        serve_by: Some(wire::timestamp(printed.serve_by)),
        zone: stored.doc.zone.name().to_owned(),
        org_path: stored.org_path.clone(),
        case_id: stored.id.to_string(),
        policy_version: stored.policy_version.clone(),
        reconnect_h: printed.reconnect_h,
        valid: stands(row, stored),
        reminders: printed.reminders.iter().map(reminder).collect(),
        legal_basis: printed.legal_basis.clone(),
        currency: currency.to_owned(),
        pay_hint_zh: printed.pay_hint_zh.clone(),
        pay_hint_en: printed.pay_hint_en.clone(),
        ..Notice::default()
    }
}

/// The service line.
fn service(told: &mut Notice, served: &Served) {
    let proof = &served.proof;
    told.served_method = proof.method.word().to_owned();
    told.served_at = Some(wire::timestamp(proof.served_at));
    told.server = proof.server_called().to_owned();
    told.received_by = proof.received_by.clone().unwrap_or_default();
    told.witness = proof.witness.clone().unwrap_or_default();
    told.position = proof.position.map(|(lon, lat)| Point { lon, lat });
    told.served_record = proof.record.clone().unwrap_or_default();
    told.filing_receipt = served
        .filing
        .as_ref()
        .map(|filing| filing.receipt.clone())
        .unwrap_or_default();
    told.photo_sha256 = proof.photo_sha256.clone().unwrap_or_default();
}
