//! Cases as others see them.

use relight_common::wire::timestamp;
use relight_proto::arrears::v1 as w;

use crate::{
    domain::{
        State,
        case::{Back, Case, Served},
        service::Proven,
    },
    store::{
        case::{Step, Stored},
        message::Row,
    },
};

/// Every state's word.
pub(super) const STATES: [&str; 17] = [
    "overdue",
    "reminded",
    "eligible",
    "approved",
    "notice_issued",
    "notice_served",
    "window_open",
    "pre_noticed",
    "expired",
    "disconnected",
    "paid",
    "reconnect_ordered",
    "wrongful",
    "reconnected",
    "closed",
    "settled_before",
    "withdrawn",
];

/// A case with these steps.
pub(super) fn case(stored: &Stored, steps: &[Step]) -> w::Case {
    let doc = &stored.doc.0;
    let mut told = w::Case {
        case_id: stored.id.to_string(),
        number: stored.number.clone(),
        account: stored.account.clone(),
        customer_id: stored.customer_id.to_string(),
        service_point_id: stored.service_point_id.to_string(),
        org_path: stored.org_path.clone(),
        zone: doc.zone.name().to_owned(),
        state: doc.state.word().to_owned(),
        version: stored.version.unsigned_abs(),
        class: doc.class.word().to_owned(),
        due_on: doc.due_on.to_string(),
        debt_cents: doc.debt_cents,
        balance_cents: doc.balance_cents,
        balance_at: Some(timestamp(doc.balance_at)),
        holds: holds(doc),
        opened_at: Some(timestamp(stored.opened_at)),
        policy_version: stored.policy_version.clone(),
        off_at: doc.state.off_since().map(timestamp),
        meter_no: doc.meter_no.clone(),
        needs: doc.class.asks().into_iter().map(str::to_owned).collect(),
        registry_class: doc
            .registered
            .map(|class| class.word().to_owned())
            .unwrap_or_default(),
        steps: steps.iter().map(step).collect(),
        ..w::Case::default()
    };
    people(&mut told, &doc.state);
    notice(&mut told, &doc.state);
    back(&mut told, &doc.state);
    told
}

fn holds(doc: &Case) -> Vec<w::Held> {
    let held = doc.holds.iter();
    held.map(|(kind, held)| w::Held {
        kind: kind.word().to_owned(),
        since: Some(timestamp(held.since)),
        until: held.until.map(timestamp),
        reason: held.reason.clone(),
        amount_cents: held.part.map_or(0, |part| part.cents),
    })
    .collect()
}

/// A message of a case.
pub(super) fn message(row: Row) -> w::Message {
    w::Message {
        kind: row.kind,
        ordered_at: Some(timestamp(row.ordered_at)),
        result: row.result.unwrap_or_default(),
        result_at: row.result_at.map(timestamp),
        channel: row.channel.unwrap_or_default(),
    }
}

fn step(step: &Step) -> w::Step {
    w::Step {
        event: step.event.clone(),
        state: step.state.clone(),
        at: Some(timestamp(step.at)),
        actor: step.actor.clone(),
    }
}

fn people(told: &mut w::Case, state: &State) {
    if let State::Eligible {
        proposal: Some(proposal),
        ..
    } = state
    {
        told.author.clone_from(&proposal.author);
    }
    if let Some(basis) = state.basis() {
        told.author.clone_from(&basis.proposal.author);
        told.approver.clone_from(&basis.approval.approver);
    }
}

fn notice(told: &mut w::Case, state: &State) {
    if let Some(notice) = state.notice() {
        told.notice_number.clone_from(&notice.number);
        told.stop_at = Some(timestamp(notice.stop_at));
        told.serve_by = Some(timestamp(notice.serve_by));
    }
    match state {
        State::NoticeServed { served } | State::WindowOpen { served, .. } => window(told, served),
        State::PreNoticed { served, pre_notice } => {
            window(told, served);
            told.pre_noticed_at = Some(timestamp(pre_notice.at));
        }
        State::Disconnected { served, .. } => window(told, served),
        _ => {}
    }
}

fn window(told: &mut w::Case, served: &Served) {
    told.served_at = Some(timestamp(served.counts_from()));
    told.services = served.proofs().iter().map(service).collect();
    told.window_opens_at = Some(timestamp(served.opens_at));
    told.window_ends_at = Some(timestamp(served.ends_at));
}

fn service(one: &Proven) -> w::Service {
    w::Service {
        method: one.proof.method.word().to_owned(),
        served_at: Some(timestamp(one.proof.served_at)),
        server: one.proof.server_called().to_owned(),
    }
}

fn back(told: &mut w::Case, state: &State) {
    match state {
        State::Paid { paid_at, .. } => told.paid_at = Some(timestamp(*paid_at)),
        State::ReconnectOrdered { paid_at, by, .. } => {
            told.paid_at = Some(timestamp(*paid_at));
            told.reconnect_by = Some(timestamp(*by));
        }
        State::Wrongful { found_at, .. } => {
            told.reconnect_by = Some(timestamp(*found_at));
            told.wrongful = true;
        }
        State::Reconnected { off_at, on_at, back } => {
            told.off_at = Some(timestamp(*off_at));
            told.on_at = Some(timestamp(*on_at));
            match back {
                Back::Paid { at } => told.paid_at = Some(timestamp(*at)),
                Back::Wrongful { .. } => told.wrongful = true,
            }
        }
        State::Closed {
            wrongful,
            off_at,
            on_at,
        } => {
            told.wrongful = *wrongful;
            told.off_at = off_at.map(timestamp);
            told.on_at = on_at.map(timestamp);
        }
        _ => {}
    }
}
