//! What the engine is told: reports, signals, restorations, switchings.

use relight_grid::{
    DeviceIx, LoadIx,
    infer::{Evidence, Switched, What},
};

use super::{Mind, Piece, Switching, Told, book::Book, fed::Way, ms};
use crate::domain::{group::Call, signal::Heard};

impl Mind {
    pub(super) fn tell(&mut self, load: LoadIx, call: Call, book: &Book<'_>) {
        let hint = call.hint.filter(|hint| book.is_open(*hint));
        self.out(load, ms(call.accepted_at));
        self.take(Evidence::new(ms(call.accepted_at), What::Call(load)));
        self.reports.entry(load).or_default().push(Told {
            report: call.report,
            at: call.accepted_at,
            incident: hint,
            fixed: hint.is_some(),
            call: Some(call),
        });
    }

    fn take(&mut self, evidence: Evidence) {
        self.heard += usize::from(self.engine.accept(evidence));
    }

    pub(super) fn out(&mut self, load: LoadIx, at_ms: i64) {
        let last = self.last_out.entry(load).or_insert(at_ms);
        *last = at_ms.max(*last);
        let before = self.first_out.get(&load).copied();
        if before.is_some_and(|before| before <= at_ms) {
            return;
        }
        self.first_out.insert(load, at_ms);
        // It is known only now that what was restored since had been off.
        let marks = self.restored.get(&load).into_iter().flatten().map(|(at, _)| *at);
        let since = marks.filter(|at| at_ms <= *at && before.is_none_or(|before| *at < before));
        for at_ms in since.collect::<Vec<_>>() {
            self.back(load, at_ms);
            self.take(Evidence::new(at_ms, What::PingOn(load)));
        }
    }

    fn back(&mut self, load: LoadIx, at_ms: i64) {
        let last = self.last_on.entry(load).or_insert(at_ms);
        *last = at_ms.max(*last);
    }

    /// Takes one stored piece in; gives the load it is about.
    pub(super) fn hear(&mut self, piece: &Piece) -> Option<LoadIx> {
        let at_ms = ms(piece.at);
        if let Some(device) = piece
            .device
            .as_deref()
            .and_then(|device| self.grid.device(device))
        {
            self.hear_telemetry(device, at_ms, piece.heard);
            return self.grid.affected(device).dead_loads.first().copied();
        }
        let load = self.grid.load(piece.load.as_deref()?)?;
        let what = match piece.heard {
            Heard::Call => What::Call(load),
            Heard::LastGasp => What::LastGasp(load),
            Heard::PingOff => What::PingOff(load),
            Heard::PingOn => What::PingOn(load),
            Heard::Restored => {
                let of = piece.incident?;
                self.restored.entry(load).or_default().push((at_ms, of));
                // Who had not reported needs no word of being back.
                if self.first_out.get(&load).is_none_or(|first| at_ms < *first) {
                    return Some(load);
                }
                What::PingOn(load)
            }
            Heard::FedAgain | Heard::LostAgain => {
                let way = Way {
                    at_ms,
                    incident: piece.incident?,
                    is_fed: piece.heard == Heard::FedAgain,
                };
                self.ways.entry(load).or_default().insert(way);
                return Some(load);
            }
            Heard::ScadaOpen
            | Heard::ScadaClosed
            | Heard::RelayOpen
            | Heard::RelayClosed
            | Heard::CreditOut
            | Heard::CreditIn => return None,
        };
        match what {
            What::PingOn(_) => self.back(load, at_ms),
            _ => self.out(load, at_ms),
        }
        if piece.heard.is_off_meter() {
            let last = self.meter_off.entry(load).or_insert(at_ms);
            *last = at_ms.max(*last);
        }
        if piece.heard == Heard::PingOn {
            let last = self.said_on.entry(load).or_insert(at_ms);
            *last = at_ms.max(*last);
        }
        self.take(Evidence::new(at_ms, what));
        if let Some(report) = piece.report {
            self.reports.entry(load).or_default().push(Told {
                report,
                at: piece.at,
                incident: piece.incident,
                fixed: piece.fixed,
                call: None,
            });
        }
        Some(load)
    }

    pub(super) fn hear_telemetry(&mut self, device: DeviceIx, at_ms: i64, heard: Heard) {
        let is_open = heard == Heard::ScadaOpen;
        if self.telemetry.get(&device).is_none_or(|last| *last <= at_ms) {
            self.telemetry.insert(device, at_ms);
            self.engine.telemetered_closed(device, !is_open);
            if is_open {
                self.tripped.insert(device);
            } else {
                self.tripped.remove(&device);
            }
        }
        if is_open {
            self.take(Evidence::new(at_ms, What::ScadaOpen(device)));
        }
    }

    pub(super) fn switch(&mut self, switched: Vec<Switching>) {
        let is_switched = !switched.is_empty();
        for state in switched {
            let known = |ids: &[String]| ids.iter().filter_map(|id| self.grid.device(id)).collect();
            let switched = Switched {
                opened: known(&state.opened),
                closed: known(&state.closed),
            };
            self.engine.switch(ms(state.at), switched);
        }
        if is_switched {
            self.name_again();
        }
    }
}
