//! Unpaid bills, and what payments leave of them.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::case::Overdue;

/// One unpaid bill, as billing listed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// As billing names it; empty: what no bill was told for.
    pub period: String,
    /// Without fees, hundredths of the currency.
    pub amount_cents: i64,
    /// As billing computed it, hundredths of the currency.
    pub late_fee_cents: i64,
    /// The day it was due.
    pub due_on: NaiveDate,
}

impl Bill {
    /// With its fee.
    pub fn cents(&self) -> i64 {
        self.amount_cents.saturating_add(self.late_fee_cents)
    }

    /// Takes what it can of `left`: the fee first (Civil Code Art. 561).
    fn pay(&mut self, left: &mut i64) {
        if self.amount_cents < 0 {
            (self.late_fee_cents, self.amount_cents) = (self.cents(), 0);
        }
        for part in [&mut self.late_fee_cents, &mut self.amount_cents] {
            let paid = (*part).clamp(0, *left);
            *part -= paid;
            *left -= paid;
        }
    }
}

/// All of them.
pub fn sum(bills: &[Bill]) -> i64 {
    bills.iter().fold(0, |sum, bill| sum.saturating_add(bill.cents()))
}

/// What `paid_cents` leave of them, oldest first: payments go to the debt that was due first (Civil Code Art. 560). Credits
/// that billing lists among the bills count as paid.
pub fn unpaid(bills: &[Bill], paid_cents: i64) -> Vec<Bill> {
    let (mut owed, credits): (Vec<Bill>, Vec<Bill>) =
        bills.iter().cloned().partition(|bill| bill.cents() > 0);
    owed.sort_by_key(|bill| bill.due_on);
    let mut left = paid_cents.max(0).saturating_sub(sum(&credits));
    owed.iter_mut().for_each(|bill| bill.pay(&mut left));
    owed.retain(|bill| bill.cents() != 0);
    owed
}

/// The bills of `told_cents` with `owed_cents` left, adding up to just that: what no bill was told for is a line of its own,
/// due on `due_on`.
pub fn lines(bills: &[Bill], (told_cents, owed_cents): (i64, i64), due_on: NaiveDate) -> Vec<Bill> {
    let mut lines = unpaid(bills, told_cents.saturating_sub(owed_cents));
    let rest = owed_cents.saturating_sub(sum(&lines));
    if rest != 0 {
        lines.push(Bill {
            period: String::new(),
            amount_cents: rest,
            late_fee_cents: 0,
            due_on,
        });
    }
    lines
}

/// Those of them past their day on `today`.
pub fn overdue(bills: &[Bill], today: NaiveDate) -> Option<Overdue> {
    let past = bills.iter().filter(|bill| bill.due_on < today);
    let until = past.clone().map(|bill| bill.due_on).max()?;
    let cents = past.fold(0, |sum: i64, bill| sum.saturating_add(bill.cents()));
    Some(Overdue { cents, until })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bill(month: u32, amount_cents: i64, late_fee_cents: i64) -> Bill {
        Bill {
            period: format!("2026-{month:02}"),
            amount_cents,
            late_fee_cents,
            due_on: NaiveDate::from_ymd_opt(2026, month + 1, 28).expect("a day"),
        }
    }

    #[test]
    fn payments_go_to_the_oldest_bill_and_its_fee_first() {
        let bills = [bill(6, 48_000, 0), bill(5, 49_000, 1_000)];
        let left = |paid| -> Vec<(String, i64, i64)> {
            let left = unpaid(&bills, paid).into_iter();
            left.map(|bill| (bill.period, bill.amount_cents, bill.late_fee_cents))
                .collect()
        };
        let june = ("2026-06".to_owned(), 48_000, 0);
        assert_eq!(left(0), [("2026-05".to_owned(), 49_000, 1_000), june.clone()]);
        assert_eq!(left(600), [("2026-05".to_owned(), 49_000, 400), june.clone()]);
        assert_eq!(left(1_500), [("2026-05".to_owned(), 48_500, 0), june.clone()]);
        assert_eq!(left(50_000), [june]);
        assert_eq!(left(98_000), []);
        let credit = Bill {
            amount_cents: -50_000,
            ..bill(4, 0, 0)
        };
        assert_eq!(unpaid(&[bills.to_vec(), vec![credit]].concat(), 0).len(), 1);
    }

    #[test]
    fn what_no_bill_was_told_for_is_a_line_of_its_own() {
        let due_on = bill(5, 1, 0).due_on;
        let alone = lines(&[], (50_000, 30_000), due_on);
        assert_eq!(
            (alone.len(), alone[0].amount_cents, alone[0].period.as_str()),
            (1, 30_000, "")
        );
        let beside = lines(&[bill(5, 40_000, 0)], (50_000, 50_000), due_on);
        assert_eq!((beside.len(), sum(&beside)), (2, 50_000));
    }

    proptest! {
        #[test]
        fn bills_and_total_always_add_up(amounts in prop::collection::vec((-5_000_i64..100_000, 0_i64..500), 1..6), paid in 0_i64..400_000) {
            let bills: Vec<Bill> = (1..).zip(amounts).map(|(month, (amount, fee))| bill(month, amount, fee)).collect();
            let owed = (sum(&bills) - paid).max(0);
            prop_assert_eq!(sum(&lines(&bills, (sum(&bills), owed), bills[0].due_on)), owed);
            prop_assert!(owed == 0 || unpaid(&bills, paid).iter().all(|bill| bill.cents() > 0));
        }
    }
}
