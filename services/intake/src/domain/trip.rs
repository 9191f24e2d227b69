//! Which devices have tripped: telemetry saw them opening, and nobody had asked for it. Who is off below one is out by a fault; who is
//! off below a device that was opened on purpose is not.

/// A switching as the registry tells it.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The device that was switched; empty when the whole state is told.
    pub device: &'a str,
    /// Whether it is closed now.
    pub is_closed: bool,
    /// Telemetry saw it and nobody had asked for it.
    pub seen_only: bool,
    /// All that are open against the normal state.
    pub opened: &'a [String],
}

/// Those of `opened` that have tripped, `before` being those that had: a device stays tripped until it is closed, or opened by order.
pub fn tripped(told: Told<'_>, before: &[String]) -> Vec<String> {
    let opened = told.opened.iter();
    let is_tripped = |device: &&String| {
        if *device == told.device {
            told.seen_only && !told.is_closed
        } else {
            before.contains(device)
        }
    };
    opened.filter(is_tripped).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn a_device_is_tripped_until_it_is_closed_or_opened_by_order() {
        let told = |device, is_closed, seen_only, opened: &[&str], before: &[&str]| {
            let opened = ids(opened);
            let told = Told {
                device,
                is_closed,
                seen_only,
                opened: &opened,
            };
            tripped(told, &ids(before))
        };
        assert_eq!(
            told("A", false, true, &["A", "B"], &[]),
            ids(&["A"]),
            "seen by telemetry"
        );
        assert_eq!(
            told("B", false, false, &["A", "B"], &["A"]),
            ids(&["A"]),
            "another by order"
        );
        assert_eq!(
            told("A", false, false, &["A", "B"], &["A"]),
            ids(&[]),
            "now by order"
        );
        assert_eq!(told("A", true, true, &["B"], &["A"]), ids(&[]), "closed");
        assert_eq!(
            told("", false, false, &["A", "B"], &["A"]),
            ids(&["A"]),
            "a new network"
        );
    }
}
