//! One command line, applied to the circuit.

use super::Place;
use super::circuit::Circuit;
use super::object::{Class, Object};
use super::token::Param;

/// What a line asks of its reader beyond the circuit.
pub(super) enum Then {
    /// Nothing.
    Done,
    /// Run this file.
    Run(String),
    /// Run this file and stay in its folder.
    Compile(String),
    /// Read bus coordinates; true when they are latitude first.
    Coordinates(String, bool),
    /// Not understood; passed over.
    Ignored(String),
}

/// Where the next continuation line and positional value go.
#[derive(Default)]
pub(super) struct Cursor {
    /// None after an object of a class that does not matter here.
    object: Option<usize>,
    next_property: usize,
}

/// Applies `params`, the whole line, to `circuit`.
///
/// # Errors
/// The property that is wrong, if one is, and the problem.
pub(super) fn apply(
    circuit: &mut Circuit,
    cursor: &mut Cursor,
    params: &[Param],
    place: &Place,
) -> Result<Then, (Option<String>, String)> {
    let Some((verb, rest)) = params.split_first() else {
        return Ok(Then::Done);
    };
    if let Some(path) = &verb.name {
        return set_by_path(circuit, cursor, path, params);
    }
    let first = rest.first().map(|param| param.value.as_str()).unwrap_or_default();
    match verb.value.to_lowercase().as_str() {
        "new" => create(circuit, cursor, first, place)?,
        "edit" | "select" | "disable" | "enable" | "open" | "close" => {
            return on_existing(circuit, cursor, &verb.value.to_lowercase(), rest);
        }
        "more" | "m" => return assign(circuit, cursor, rest).map(|()| Then::Done),
        "redirect" => return Ok(Then::Run(first.to_owned())),
        "compile" => return Ok(Then::Compile(first.to_owned())),
        "buscoords" => return Ok(Then::Coordinates(first.to_owned(), false)),
        "latlongcoords" => return Ok(Then::Coordinates(first.to_owned(), true)),
        "clear" | "clearall" => {
            *circuit = Circuit::default();
            *cursor = Cursor::default();
        }
        other => return Ok(Then::Ignored(other.to_owned())),
    }
    assign(circuit, cursor, rest.get(1..).unwrap_or_default()).map(|()| Then::Done)
}

/// `New Class.Name`; a circuit is its first source, as in OpenDSS.
fn create(
    circuit: &mut Circuit,
    cursor: &mut Cursor,
    target: &str,
    place: &Place,
) -> Result<(), (Option<String>, String)> {
    *cursor = Cursor::default();
    let Some((class, name)) = target.split_once('.').filter(|(_, name)| !name.is_empty()) else {
        return Err((None, format!("{target:.80?} is no object; write new CLASS.NAME")));
    };
    let (class, name) = match class.to_lowercase().as_str() {
        "circuit" => {
            circuit.name = name.to_lowercase();
            (Some(Class::Vsource), "source")
        }
        other => (Class::of(other), name),
    };
    if let Some(class) = class {
        cursor.object = Some(circuit.add(Object::new(class, name.to_lowercase(), place.clone())));
    }
    Ok(())
}

/// `edit`, `select`, `open` and the like, on an object that must exist when its class matters.
fn on_existing(
    circuit: &mut Circuit,
    cursor: &mut Cursor,
    verb: &str,
    rest: &[Param],
) -> Result<Then, (Option<String>, String)> {
    *cursor = Cursor::default();
    let target = rest.first().map(|param| param.value.as_str()).unwrap_or_default();
    let Some(ix) = existing(circuit, target)? else {
        return Ok(Then::Done);
    };
    cursor.object = Some(ix);
    match verb {
        "edit" => assign(circuit, cursor, &rest[1..])?,
        "enable" => circuit.objects[ix].enabled = true,
        "disable" => circuit.objects[ix].enabled = false,
        "open" | "close" => {
            // OPEN object terminal conductor: 0 or nothing means all conductors.
            if rest.get(2).is_some_and(|conductor| conductor.value.trim() != "0") {
                let problem = "one conductor only; the model opens whole devices, leave the conductor out";
                return Err((Some(target.to_owned()), problem.to_owned()));
            }
            circuit.objects[ix].open = verb == "open";
        }
        _ => {}
    }
    Ok(Then::Done)
}

/// The object `CLASS.NAME`; none when its class does not matter here.
fn existing(circuit: &Circuit, target: &str) -> Result<Option<usize>, (Option<String>, String)> {
    let Some((class, name)) = target.split_once('.') else {
        return Err((None, format!("{target:.80?} is no object; write CLASS.NAME")));
    };
    let (class, name) = if class.eq_ignore_ascii_case("circuit") {
        ("vsource", "source")
    } else {
        (class, name)
    };
    let Some(class) = Class::of(class) else {
        return Ok(None);
    };
    match circuit.find(class, name) {
        Some(ix) => Ok(Some(ix)),
        None => Err((
            Some(target.to_owned()),
            "does not exist; define it before with new".to_owned(),
        )),
    }
}

/// `Class.Name.Property=value more=values`, or `Property=value` of the object at hand.
fn set_by_path(
    circuit: &mut Circuit,
    cursor: &mut Cursor,
    path: &str,
    params: &[Param],
) -> Result<Then, (Option<String>, String)> {
    let Some((target, property)) = path.rsplit_once('.') else {
        return assign(circuit, cursor, params).map(|()| Then::Done);
    };
    *cursor = Cursor {
        object: existing(circuit, target)?,
        next_property: 0,
    };
    let mut params = params.to_vec();
    params[0].name = Some(property.to_owned());
    assign(circuit, cursor, &params).map(|()| Then::Done)
}

/// Sets properties of the object at hand.
fn assign(
    circuit: &mut Circuit,
    cursor: &mut Cursor,
    params: &[Param],
) -> Result<(), (Option<String>, String)> {
    let Some(ix) = cursor.object else { return Ok(()) };
    let class = circuit.objects[ix].class;
    for param in params {
        let at = match &param.name {
            Some(name) => class.property(name),
            None => cursor.next_property,
        };
        cursor.next_property = class.property_after(at);
        set(circuit, ix, class.property_at(at), &param.value).map_err(|problem| {
            (
                Some(format!("{} {}", circuit.objects[ix].id(), class.property_at(at))),
                problem,
            )
        })?;
    }
    Ok(())
}

/// Sets one property, following what it refers to.
fn set(circuit: &mut Circuit, ix: usize, property: &str, value: &str) -> Result<(), String> {
    let class = circuit.objects[ix].class;
    let code = match (class, property) {
        (_, "like") => class,
        (Class::Line, "linecode") => Class::LineCode,
        (Class::Line, "geometry") => Class::LineGeometry,
        (Class::Line, "spacing") => Class::LineSpacing,
        (Class::Transformer, "xfmrcode") => Class::XfmrCode,
        _ => return circuit.objects[ix].set(property, value),
    };
    let Some(found) = circuit.find(code, value) else {
        return Err(format!("{value:.80?} is no {}; define it before", code.name()));
    };
    let other = circuit.objects[found].clone();
    match property {
        "like" => circuit.objects[ix].copy_from(&other),
        "xfmrcode" => circuit.objects[ix].take_code(&other)?,
        _ => circuit.objects[ix].phases = other.phases,
    }
    Ok(())
}
