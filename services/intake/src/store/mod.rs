//! All SQL of intake.

pub mod accepted;
pub mod belief;
pub mod call;
pub mod changed;
pub mod check;
pub mod closing;
pub mod credit;
pub mod danger;
pub mod evidence;
pub mod grouping;
pub mod incident;
pub mod number;
pub mod over;
pub mod owner;
pub mod queue;
pub mod relay;
pub mod replay;
pub mod report;
pub mod set_call;
pub mod switching;
pub mod ways;

use relight_policy::AreaClass;

use crate::{domain::place::Position, error::Error};

fn position(lon: Option<f64>, lat: Option<f64>) -> Option<Position> {
    Some(Position { lon: lon?, lat: lat? })
}

fn area(word: &str) -> Result<AreaClass, Error> {
    AreaClass::parse(word).ok_or(Error::Stored("area class"))
}

fn count(number: i32) -> u32 {
    number.unsigned_abs()
}

fn stored(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
