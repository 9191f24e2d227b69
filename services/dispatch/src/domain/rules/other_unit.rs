//! An order a unit has taken is worked by that unit's crews.

use super::{Broken, Need};
use crate::domain::crew::Crew;

/// `other_unit`
pub(super) fn check(crew: &Crew, need: &Need) -> Option<Broken> {
    need.unit
        .filter(|unit| *unit != crew.unit)
        .map(|_| Broken::OtherUnit)
}

#[cfg(test)]
mod tests {
    use super::{super::given::*, *};
    use crate::domain::ids::UnitId;

    #[test]
    fn the_orders_unit_rules_once_there_is_one() {
        let need = |unit| Need {
            unit,
            ..super::super::given::need()
        };
        assert_eq!(check(&crew(), &need(Some(unit()))), None);
        assert_eq!(check(&crew(), &need(None)), None);
        assert_eq!(
            check(&crew(), &need(Some(UnitId::new()))),
            Some(Broken::OtherUnit)
        );
    }
}
