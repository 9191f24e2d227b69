//! Notices of debts: which words and how long they are worth sending. What is owed comes from arrears right before.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{
    notice::{Language, Purpose, words},
    words::{House, Vars, date_and_clock, named, short},
};

words!(
    /// Why somebody is told something about a debt.
    Kind {
        /// It is overdue.
        Reminder = "reminder",
        /// Disconnection is announced.
        Disconnection = "disconnection",
        /// Right before it.
        PreNotice = "pre_notice",
        /// Supply was cut.
        Disconnected = "disconnected",
        /// It was paid.
        PaymentReceived = "payment_received",
        /// Supply is back.
        Reconnected = "reconnected",
        /// The disconnection does not stand any more.
        Withdrawn = "withdrawn",
        /// Supply was cut without right.
        Apology = "apology",
    }
);

impl Kind {
    /// What its messages are for.
    pub fn purpose(self) -> Purpose {
        match self {
            Kind::Reminder => Purpose::ArrearsReminder,
            Kind::Disconnection => Purpose::ArrearsDisconnection,
            Kind::PreNotice => Purpose::ArrearsPreNotice,
            Kind::Disconnected => Purpose::ArrearsDisconnected,
            Kind::PaymentReceived => Purpose::ArrearsPaymentReceived,
            Kind::Reconnected => Purpose::ArrearsReconnected,
            Kind::Withdrawn => Purpose::ArrearsWithdrawn,
            Kind::Apology => Purpose::ArrearsApology,
        }
    }

    /// What it takes back while it is unsent.
    pub fn takes_back(self) -> &'static [Purpose] {
        match self {
            Kind::Reminder | Kind::Disconnection | Kind::PreNotice => &[],
            Kind::Disconnected => &[Purpose::ArrearsReminder, Purpose::ArrearsDisconnection],
            Kind::PaymentReceived | Kind::Withdrawn | Kind::Apology => &[
                Purpose::ArrearsReminder,
                Purpose::ArrearsDisconnection,
                Purpose::ArrearsPreNotice,
                Purpose::ArrearsDisconnected,
            ],
            Kind::Reconnected => &[Purpose::ArrearsDisconnected, Purpose::ArrearsPaymentReceived],
        }
    }
}

/// One notice of one debt.
#[derive(Clone, PartialEq, Eq)]
pub struct Debt {
    /// Why.
    pub kind: Kind,
    /// End of the account number.
    pub account_tail: String,
    /// What is owed, or was paid, hundredths.
    pub amount_cents: i64,
    /// ISO 4217.
    pub currency: String,
    /// Due day, ISO.
    pub due_on: String,
    /// Number of the served notice, or of the case.
    pub number: String,
    /// When supply is to be cut.
    pub stop_at: Option<DateTime<Utc>>,
    /// When it was cut.
    pub off_at: Option<DateTime<Utc>>,
    /// By when it has to be back.
    pub reconnect_by: Option<DateTime<Utc>>,
    /// Since when it is back.
    pub on_at: Option<DateTime<Utc>>,
    /// Hours to reconnect after payment.
    pub hours: u32,
    /// Where to pay, Chinese and English.
    pub pay_hint: [String; 2],
    /// Zone of the supply point.
    pub zone: Tz,
}

/// What is owed is personal: no `Debug` of it.
impl std::fmt::Debug for Debt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Debt({})", self.kind.word())
    }
}

/// Longest end of an account, characters.
pub const TAIL_MAX: usize = 4;
/// Longest way to pay, Chinese and English.
pub const PAY_MAX: [usize; 2] = [16, 40];

impl Debt {
    /// When it is not worth being told any more, where it has an end of its own.
    pub fn ends_at(&self) -> Option<DateTime<Utc>> {
        match self.kind {
            Kind::Disconnection | Kind::PreNotice => self.stop_at,
            _ => None,
        }
    }

    /// The variables of its template.
    pub fn vars(&self, house: &House, language: Language) -> Vars {
        let clock = |at| date_and_clock(at, language, self.zone);
        let (pay, max) = match language {
            Language::ZhCn => (&self.pay_hint[0], PAY_MAX[0]),
            Language::En => (&self.pay_hint[1], PAY_MAX[1]),
        };
        let pay = Some(pay.chars().take(max).collect::<String>()).filter(|pay| !pay.is_empty());
        let tail = self.account_tail.chars().rev().take(TAIL_MAX);
        let tail: Vec<char> = tail.collect();
        named(
            house,
            language,
            [
                ("acct", Some(tail.into_iter().rev().collect())),
                ("amt", Some(money(self.amount_cents, &self.currency, language))),
                ("due", Some(self.due_on.clone())),
                ("no", Some(short(&self.number))),
                ("stop", self.stop_at.map(clock)),
                ("off", self.off_at.map(clock)),
                ("by", self.reconnect_by.map(clock)),
                ("on", self.on_at.map(clock)),
                ("hours", Some(self.hours.to_string())),
                ("pay", pay),
            ],
        )
    }
}

/// An amount with its currency, to the hundredth.
fn money(cents: i64, currency: &str, language: Language) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let (whole, rest) = (cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
    match (language, currency) {
        (Language::ZhCn, "CNY" | "") => format!("{sign}{whole}.{rest:02}元"),
        (Language::ZhCn, other) => format!("{sign}{whole}.{rest:02} {other}"),
        (Language::En, "") => format!("CNY {sign}{whole}.{rest:02}"),
        (Language::En, other) => format!("{other} {sign}{whole}.{rest:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_keeps_its_hundredths() {
        let table = [
            (12_345, "CNY", "123.45元", "CNY 123.45"),
            (100, "AUD", "1.00 AUD", "AUD 1.00"),
            (-5, "CNY", "-0.05元", "CNY -0.05"),
            (i64::MAX, "", "92233720368547758.07元", "CNY 92233720368547758.07"),
        ];
        for (cents, currency, zh, en) in table {
            assert_eq!(money(cents, currency, Language::ZhCn), zh);
            assert_eq!(money(cents, currency, Language::En), en);
        }
    }

    #[test]
    fn a_debt_shows_the_end_of_the_account_only() {
        let debt = Debt {
            kind: Kind::PreNotice,
            account_tail: "3300000610".into(),
            amount_cents: 100,
            currency: "CNY".into(),
            due_on: "2026-03-01".into(),
            number: "N-1".into(),
            stop_at: Some("2026-04-01T02:00:00Z".parse().unwrap()),
            off_at: None,
            reconnect_by: None,
            on_at: None,
            hours: 24,
            pay_hint: [String::new(), String::new()],
            zone: chrono_tz::Asia::Shanghai,
        };
        let house = House {
            org_zh: "示".into(),
            org_en: "D".into(),
            phone: "1".into(),
        };
        let vars = debt.vars(&house, Language::En);
        assert_eq!(
            (vars["acct"].as_str(), vars["stop"].as_str()),
            ("0610", "1 Apr 10:00")
        );
        assert!(!vars.contains_key("pay") && !vars.contains_key("off"));
        assert_eq!(debt.ends_at(), debt.stop_at);
        assert_eq!(format!("{debt:?}"), "Debt(pre_notice)");
    }
}
