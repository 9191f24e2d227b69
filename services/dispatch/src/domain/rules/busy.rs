//! One crew, one active order.

use super::Broken;
use crate::domain::crew::Crew;

/// `busy`
pub(super) fn check(crew: &Crew) -> Option<Broken> {
    crew.active.as_ref().map(|(_, number)| Broken::Busy {
        number: number.clone(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{super::given::*, *};
    use crate::domain::ids::OrderId;

    #[test]
    fn a_crew_on_an_order_is_busy_and_the_order_is_named() {
        let number: Arc<str> = "W-20260301-0007".into();
        let busy = Crew {
            active: Some((OrderId::new(), number.clone())),
            ..crew()
        };
        assert_eq!(check(&crew()), None);
        assert_eq!(check(&busy), Some(Broken::Busy { number }));
    }
}
