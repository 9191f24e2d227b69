//! One command line, applied to the circuit.

use super::Place;
use super::circuit::Circuit;
use super::class::{Class, Known};
use super::object::{Object, count, one_word, yes};
use super::token::Param;

/// Commands of OpenDSS in its order, which decides what a shortened one means.
const COMMANDS: &str = "new edit more m ~ select save show solve enable disable plot reset compile set dump open \
    close // redirect help quit ? next panel sample clear about calcvoltagebases setkvbase buildy get init export \
    fileedit voltages currents powers seqvoltages seqcurrents seqpowers losses phaselosses cktlosses allocateloads \
    formedit totals capacity classes userclasses zsc zsc10 zscrefresh ysc puvoltages varvalues varnames buscoords \
    makebuslist makeposseq reduce interpolate alignfile top rotate vdiff summary distribute di_plot comparecases \
    yearlycurves cd visualize closedi doscmd estimate reconductor _initsnap _solvenocontrol _samplecontrols \
    _docontrolactions _showcontrolqueue _solvedirect _solvepflow addbusmarker uuids guids setloadandgenkv \
    cvrtloadshapes nodediff rephase setbusxy updatestorage obfuscate latlongcoords batchedit pstcalc variable \
    reprocessbuses clearbusmarkers relcalc lambdacalc var cleanup finishtimestep nodelist newactor clearall wait \
    solveall connect disconnect remove calcincmatrix calcincmatrix_o refine_buslevels calclaplacian abort \
    exportoverloads exportvviolations tear_circuit zsc012 aggregateprofiles allpceatbus allpdeatbus totalpowers \
    giscoords comhelp gis help";

/// Commands that change what is connected in a way not understood here.
const REFUSED: [&str; 6] = [
    "makeposseq",
    "reduce",
    "rephase",
    "remove",
    "obfuscate",
    "reconductor",
];

/// The command a word stands for: in full, or the first it begins.
fn command(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    let all = || COMMANDS.split_whitespace();
    all()
        .find(|name| *name == word)
        .or_else(|| all().find(|name| word.len() >= 2 && name.starts_with(&word)))
}

/// What a line asks of its reader beyond the circuit.
pub(super) enum Then {
    /// Nothing.
    Done,
    /// Run this file.
    Run(String),
    /// Run this file and stay in its folder.
    Compile(String),
    /// Go to this folder.
    Folder(String),
    /// Read bus coordinates; true when they are latitude first.
    Coordinates(String, bool),
    /// It has no say in what is connected; passed over.
    Ignored(String),
}

/// What is wrong: the property, if one is, and the problem.
pub(super) type Wrong = (Option<String>, String);

/// Where the next continuation line and positional value go.
#[derive(Default)]
pub(super) struct Cursor {
    object: Option<usize>,
    next_property: usize,
    /// The object at hand is of a class that does not matter here.
    is_passed_over: bool,
}

/// Applies `params`, the whole line, to `circuit`.
///
/// # Errors
/// What is not understood and might matter.
pub(super) fn apply(
    circuit: &mut Circuit,
    cursor: &mut Cursor,
    params: &[Param],
    place: &Place,
) -> Result<Then, Wrong> {
    let Some((verb, rest)) = params.split_first() else {
        return Ok(Then::Done);
    };
    if let Some(path) = &verb.name {
        return set_by_path(circuit, cursor, path, params);
    }
    let Some(word) = command(&verb.value) else {
        let problem = format!("{:.40?} is no command of OpenDSS", verb.value);
        return Err((None, problem));
    };
    let first = rest.first().map(|param| param.value.clone()).unwrap_or_default();
    match word {
        "new" => {
            let then = create(circuit, cursor, &first, place)?;
            assign(circuit, cursor, rest.get(1..).unwrap_or_default())?;
            return Ok(then);
        }
        "edit" | "select" | "disable" | "enable" | "open" | "close" => {
            on_existing(circuit, cursor, word, rest)?
        }
        "batchedit" => return batch_edit(circuit, rest),
        "more" | "m" => assign(circuit, cursor, rest)?,
        "set" => return set_option(circuit, cursor, rest),
        "redirect" => return Ok(Then::Run(first)),
        "compile" => return Ok(Then::Compile(first)),
        "cd" => return Ok(Then::Folder(first)),
        "buscoords" => return Ok(Then::Coordinates(first, false)),
        "latlongcoords" | "giscoords" => return Ok(Then::Coordinates(first, true)),
        "setbusxy" => set_bus_xy(circuit, rest),
        "clear" | "clearall" => {
            circuit.clear();
            *cursor = Cursor::default();
        }
        "//" => {}
        word if REFUSED.contains(&word) => {
            let problem = format!(
                "the command {word} changes what is connected and is not understood; apply it in OpenDSS and save the circuit"
            );
            return Err((None, problem));
        }
        other => return Ok(Then::Ignored(format!("command {other}"))),
    }
    Ok(Then::Done)
}

/// `New Class.Name`; a circuit is its first source, as in OpenDSS.
fn create(circuit: &mut Circuit, cursor: &mut Cursor, target: &str, place: &Place) -> Result<Then, Wrong> {
    *cursor = Cursor::default();
    let Some((word, name)) = target.split_once('.').filter(|(_, name)| !name.is_empty()) else {
        return Err((None, format!("{target:.80?} is no object; write new CLASS.NAME")));
    };
    let (class, name) = if word.eq_ignore_ascii_case("circuit") {
        circuit.name = name.to_lowercase();
        (Class::Vsource, "source")
    } else {
        match Class::known(word) {
            Known::Here(class) => (class, name),
            Known::PassedOver => {
                cursor.is_passed_over = true;
                return Ok(Then::Ignored(format!("class {}", word.to_lowercase())));
            }
            Known::No => {
                circuit.note(format!(
                    "the class {word:.40?} is not known: left out with what it may connect"
                ));
                cursor.is_passed_over = true;
                return Ok(Then::Done);
            }
        }
    };
    let before = circuit.objects.len();
    let at = circuit.add(Object::new(class, name.to_lowercase(), place.clone()));
    cursor.object = Some(at);
    if at == before {
        return Ok(Then::Done);
    }
    let id = circuit.objects[at].given();
    if circuit.allows_duplicates {
        return Err((
            Some(id),
            "is defined twice; names differ by more than case".to_owned(),
        ));
    }
    Ok(Then::Ignored(format!(
        "{place}: {id} is defined twice, the second edits the first; that"
    )))
}

/// `edit`, `select`, `open` and the like. What is to be opened or closed must exist; OpenDSS itself says nothing
/// when another object does not.
fn on_existing(circuit: &mut Circuit, cursor: &mut Cursor, verb: &str, rest: &[Param]) -> Result<(), Wrong> {
    *cursor = Cursor::default();
    let target = rest.first().map(|param| param.value.as_str()).unwrap_or_default();
    if let ("enable" | "disable", Some((class, "*"))) = (verb, target.split_once('.')) {
        enable_all(circuit, class, verb == "enable");
        return Ok(());
    }
    let found = existing(circuit, target);
    let found = match (verb, found) {
        ("open" | "close" | "select", Err(wrong)) => return Err(wrong),
        (_, Err(_)) => {
            circuit.note(format!("{verb} {target:.80}: it does not exist; passed over"));
            None
        }
        (_, Ok(found)) => found,
    };
    let Some(ix) = found else {
        cursor.is_passed_over = true;
        return Ok(());
    };
    cursor.object = Some(ix);
    match verb {
        "edit" => assign(circuit, cursor, &rest[1..])?,
        "enable" => circuit.objects[ix].enabled = true,
        "disable" => circuit.objects[ix].enabled = false,
        "open" | "close" => {
            // OPEN object terminal conductor.
            let at = |name: &str, place: usize| -> Result<usize, Wrong> {
                let named = |param: &&Param| param.name.as_deref().is_some_and(|own| own.starts_with(name));
                let placed = rest.get(place).filter(|param| param.name.is_none());
                let given = rest.iter().skip(1).find(named).or(placed);
                given.map_or(Ok(0), |param| {
                    count(&param.value).map_err(|problem| (Some(target.to_owned()), problem))
                })
            };
            circuit.objects[ix].switch(at("t", 1)?, at("c", 2)?, verb == "open");
        }
        _ => {}
    }
    Ok(())
}

/// `Disable Class.*`.
fn enable_all(circuit: &mut Circuit, class: &str, enabled: bool) {
    let class = Class::of(class);
    let objects = circuit.objects.iter_mut();
    objects
        .filter(|object| Some(object.class) == class)
        .for_each(|object| object.enabled = enabled);
}

/// `BatchEdit Class.PATTERN property=value ...`: the same edit for every object whose name the pattern
/// fits somewhere.
fn batch_edit(circuit: &mut Circuit, rest: &[Param]) -> Result<Then, Wrong> {
    let target = rest.first().map(|param| param.value.as_str()).unwrap_or_default();
    let Some((word, pattern)) = target.split_once('.') else {
        return Err((
            None,
            format!("{target:.80?} is no class with a pattern; write CLASS.PATTERN"),
        ));
    };
    let class = match Class::known(word) {
        Known::Here(class) => class,
        Known::PassedOver => return Ok(Then::Ignored("command batchedit".to_owned())),
        Known::No => {
            circuit.note(format!(
                "the class {word:.40?} is not known: batchedit passed over"
            ));
            return Ok(Then::Done);
        }
    };
    let pattern = regex::RegexBuilder::new(pattern)
        .case_insensitive(true)
        .build()
        .map_err(|_| {
            (
                Some(target.to_owned()),
                "is no pattern; write a regular expression".to_owned(),
            )
        })?;
    for ix in 0..circuit.objects.len() {
        let object = &circuit.objects[ix];
        if object.class == class && pattern.is_match(&object.name) {
            let mut cursor = Cursor {
                object: Some(ix),
                ..Cursor::default()
            };
            assign(circuit, &mut cursor, &rest[1..])?;
        }
    }
    Ok(Then::Done)
}

/// `Set option=value ...`: only what moves the reader matters.
fn set_option(circuit: &mut Circuit, cursor: &mut Cursor, rest: &[Param]) -> Result<Then, Wrong> {
    for param in rest {
        match param.name.as_deref().unwrap_or_default() {
            "datapath" => return Ok(Then::Folder(param.value.clone())),
            "allowduplicates" => circuit.allows_duplicates = yes(&param.value),
            "element" | "elem" | "object" => {
                *cursor = Cursor {
                    object: existing(circuit, &param.value)?,
                    ..Cursor::default()
                };
            }
            _ => {}
        }
    }
    Ok(Then::Ignored("command set".to_owned()))
}

/// `SetBusXY bus=NAME x=1 y=2`. A place has no say in what is connected: what is no number is left out.
fn set_bus_xy(circuit: &mut Circuit, rest: &[Param]) {
    let value = |name: &str, at: usize| {
        let named = rest.iter().find(|param| param.name.as_deref() == Some(name));
        named.or_else(|| rest.get(at).filter(|param| param.name.is_none()))
    };
    let number = |param: Option<&Param>| param.and_then(|param| param.value.trim().parse::<f64>().ok());
    if let (Some(bus), Some(x), Some(y)) = (value("bus", 0), number(value("x", 1)), number(value("y", 2))) {
        circuit
            .coordinates
            .insert(one_word(&bus.value.to_lowercase()), (x, y));
    }
}

/// The object `CLASS.NAME`; none when its class does not matter here.
fn existing(circuit: &Circuit, target: &str) -> Result<Option<usize>, Wrong> {
    let Some((class, name)) = target.split_once('.') else {
        return Err((None, format!("{target:.80?} is no object; write CLASS.NAME")));
    };
    let (class, name) = if class.eq_ignore_ascii_case("circuit") {
        ("vsource", "source")
    } else {
        (class, name)
    };
    let class = match Class::known(class) {
        Known::Here(class) => class,
        Known::PassedOver | Known::No => return Ok(None),
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
) -> Result<Then, Wrong> {
    let Some((target, property)) = path.rsplit_once('.') else {
        return assign(circuit, cursor, params).map(|()| Then::Done);
    };
    let object = existing(circuit, target)?;
    *cursor = Cursor {
        object,
        next_property: 0,
        is_passed_over: object.is_none(),
    };
    let mut params = params.to_vec();
    params[0].name = Some(property.to_owned());
    assign(circuit, cursor, &params).map(|()| Then::Done)
}

/// Sets properties of the object at hand.
fn assign(circuit: &mut Circuit, cursor: &mut Cursor, params: &[Param]) -> Result<(), Wrong> {
    let Some(ix) = cursor.object else {
        let lost = !cursor.is_passed_over && !params.is_empty();
        return match lost {
            true => Err((
                None,
                "no object is at hand to take this; name it with new or edit".to_owned(),
            )),
            false => Ok(()),
        };
    };
    let class = circuit.objects[ix].class;
    for param in params {
        let at = match &param.name {
            Some(name) => class.property(name),
            None => Some(cursor.next_property).filter(|&at| !class.property_at(at).is_empty()),
        };
        let Some(at) = at else {
            let name = param.name.as_deref().unwrap_or(&param.value);
            let note = format!("{name:.40?} is no property of a {}: passed over", class.name());
            circuit.note(note);
            continue;
        };
        cursor.next_property = at + 1;
        let property = class.property_at(at);
        set(circuit, ix, property, &param.value).map_err(|problem| {
            (
                Some(format!("{} {property}", circuit.objects[ix].given())),
                problem,
            )
        })?;
    }
    if class.is_control() {
        circuit.objects[ix].control.is_due |= class != Class::SwtControl;
        circuit.act(ix);
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
        if property == "like" {
            return Err(format!("{value:.80?} is no {}; define it before", code.name()));
        }
        circuit.objects[ix].miss_code();
        circuit.note(format!(
            "the {} {value:.80?} is not defined: its elements have the phases they say themselves, or those of their buses",
            code.name()
        ));
        return Ok(());
    };
    let other = circuit.objects[found].clone();
    match property {
        "like" => circuit.objects[ix].copy_from(&other),
        "xfmrcode" => circuit.objects[ix].take_code(&other)?,
        _ => circuit.objects[ix].take_line_code(&other),
    }
    Ok(())
}
