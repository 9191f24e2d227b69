//! The notice of disconnection (停电通知书) with every field of the served document.

use chrono::{DateTime, Utc};
use relight_common::edge::at;
use relight_proto::arrears::v1::{CheckNoticeReply, Notice};
use serde::Serialize;
use utoipa::ToSchema;

/// An unpaid bill.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NoticeBill {
    /// As billing names it.
    pub period: String,
    /// Hundredths of the currency.
    pub amount_cents: i64,
    /// As billing computed it, hundredths of the currency.
    pub late_fee_cents: i64,
    /// ISO date.
    pub due_on: String,
}

/// A reminder that was given before.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NoticeReminder {
    /// When.
    pub at: Option<DateTime<Utc>>,
    /// `phone`, `post`, `visit`, `sms`, `email`
    pub channel: String,
}

/// How the notice was served.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Service {
    /// `e_signature`, `signed_receipt`, `recorded_call`, `registered_mail`, `posted_with_witness`
    pub method: String,
    /// When.
    pub at: Option<DateTime<Utc>>,
    /// Where, (lon, lat) WGS84 degrees; of a visit.
    pub position: Option<(f64, f64)>,
    /// Name of who served it.
    pub server: String,
    /// Who received it, or why nobody did.
    pub received_by: String,
    /// Who saw it left at the door.
    pub witness: String,
    /// SHA-256 of the photo; look at it with `GET /api/v1/photos/{sha256}?case_id=`.
    pub photo_sha256: String,
    /// Number of the recording, delivery or signature.
    pub record: String,
    /// Receipt of the copy at the authority.
    pub filing_receipt: String,
}

/// All that the served document says.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ArrearsNotice {
    /// Number by which anybody can check it.
    pub number: String,
    /// It still stands: not void, not settled.
    pub valid: bool,
    /// When it was issued.
    pub issued_at: Option<DateTime<Utc>>,
    /// Unit that issued it.
    pub org_path: String,
    /// Name of who issued it.
    pub issuer: String,
    /// Name of who allowed the disconnection.
    pub approver: String,
    /// Name of the customer.
    pub customer_name: String,
    /// Account.
    pub account: String,
    /// Address in Chinese.
    pub address_zh: String,
    /// Address in English.
    pub address_en: String,
    /// Owed in all when it was issued, hundredths of the currency.
    pub amount_cents: i64,
    /// ISO 4217 code of every amount.
    pub currency: String,
    /// By bill.
    pub bills: Vec<NoticeBill>,
    /// Due day of the oldest bill.
    pub due_on: String,
    /// Reminders given before.
    pub reminders: Vec<NoticeReminder>,
    /// The rules it rests on.
    pub legal_basis: Vec<String>,
    /// When supply stops.
    pub stop_at: Option<DateTime<Utc>>,
    /// The last useful moment of serving it.
    pub serve_by: Option<DateTime<Utc>>,
    /// IANA zone of the place.
    pub zone: String,
    /// Version of the policy pack.
    pub policy_version: String,
    /// Where to pay, as the utility says, Chinese; empty: as every customer knows.
    pub pay_hint_zh: String,
    /// The same, English.
    pub pay_hint_en: String,
    /// Hours from payment to supply.
    pub reconnect_h: u32,
    /// How it was served, once it was.
    pub service: Option<Service>,
}

impl From<Notice> for ArrearsNotice {
    fn from(notice: Notice) -> Self {
        let bills = notice.bills.into_iter().map(|bill| NoticeBill {
            period: bill.period,
            amount_cents: bill.amount_cents,
            late_fee_cents: bill.late_fee_cents,
            due_on: bill.due_on,
        });
        let reminders = notice.reminders.into_iter().map(|reminder| NoticeReminder {
            at: at(reminder.at),
            channel: reminder.channel,
        });
        let service = Service {
            method: notice.served_method,
            at: at(notice.served_at),
            position: notice.position.map(|at| (at.lon, at.lat)),
            server: notice.server,
            received_by: notice.received_by,
            witness: notice.witness,
            photo_sha256: notice.photo_sha256,
            record: notice.served_record,
            filing_receipt: notice.filing_receipt,
        };
        Self {
            number: notice.number,
            valid: notice.valid,
            issued_at: at(notice.issued_at),
            org_path: notice.org_path,
            issuer: notice.issuer,
            approver: notice.approver,
            customer_name: notice.customer_name,
            account: notice.account,
            address_zh: notice.address_zh,
            address_en: notice.address_en,
            amount_cents: notice.amount_cents,
            currency: notice.currency,
            bills: bills.collect(),
            due_on: notice.due_on,
            reminders: reminders.collect(),
            legal_basis: notice.legal_basis,
            stop_at: at(notice.stop_at),
            serve_by: at(notice.serve_by),
            zone: notice.zone,
            policy_version: notice.policy_version,
            pay_hint_zh: notice.pay_hint_zh,
            pay_hint_en: notice.pay_hint_en,
            reconnect_h: notice.reconnect_h,
            service: (!service.method.is_empty()).then_some(service),
        }
    }
}

/// Whether a notice is ours and still stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoticeCheck {
    /// We issued a notice of this number.
    pub genuine: bool,
    /// It still stands.
    pub valid: bool,
    /// When it was issued.
    pub issued_at: Option<DateTime<Utc>>,
}

impl From<CheckNoticeReply> for NoticeCheck {
    fn from(reply: CheckNoticeReply) -> Self {
        Self {
            genuine: reply.genuine,
            valid: reply.valid,
            issued_at: at(reply.issued_at),
        }
    }
}
