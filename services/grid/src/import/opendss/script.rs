//! Runs script files line by line.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::Place;
use super::circuit::Circuit;
use super::command::{Cursor, Then, apply};
use super::token::{array, params};
use crate::fault::Fault;

/// Deepest chain of redirects: a file that redirects to itself ends here.
const DEPTH_MAX: usize = 16;
/// Most files run, so that two files that redirect to each other twice end soon.
const FILES_MAX: usize = 1_000;

/// Gives a file's bytes by its path relative to the entry's folder.
type FileOf<'a> = &'a mut dyn FnMut(&Path) -> io::Result<Vec<u8>>;

pub(super) struct Script<'a> {
    file: FileOf<'a>,
    circuit: Circuit,
    cursor: Cursor,
    faults: Vec<Fault>,
    ignored: BTreeMap<String, usize>,
    depth: usize,
    files: usize,
    in_comment: bool,
}

impl<'a> Script<'a> {
    pub(super) fn new(file: FileOf<'a>) -> Script<'a> {
        Script {
            file,
            circuit: Circuit::default(),
            cursor: Cursor::default(),
            faults: Vec::new(),
            ignored: BTreeMap::new(),
            depth: 0,
            files: 0,
            in_comment: false,
        }
    }

    /// The circuit, what was wrong, and what was passed over.
    pub(super) fn finish(self) -> (Circuit, Vec<Fault>, Vec<String>) {
        let note = |(command, count)| format!("command {command:.40?} passed over {count} time(s)");
        (
            self.circuit,
            self.faults,
            self.ignored.into_iter().map(note).collect(),
        )
    }

    pub(super) fn run(&mut self, path: &Path) {
        let start = Place {
            file: Rc::from(path.to_string_lossy()),
            line: 1,
        };
        self.run_from(path, &start);
    }

    fn run_from(&mut self, path: &Path, from: &Place) {
        let Some(text) = self.text(path, from) else { return };
        let file: Rc<str> = Rc::from(path.to_string_lossy());
        let mut folder = path.parent().map(Path::to_owned).unwrap_or_default();
        self.depth += 1;
        for (line, number) in text.lines().zip(1..) {
            let place = Place {
                file: Rc::clone(&file),
                line: number,
            };
            self.line(line, &mut folder, &place);
        }
        self.depth -= 1;
        self.in_comment = false;
    }

    /// The text of a file that may be run here.
    fn text(&mut self, path: &Path, from: &Place) -> Option<String> {
        self.files += 1;
        let refused = if self.depth >= DEPTH_MAX || self.files > FILES_MAX {
            format!(
                "redirects go deeper than {DEPTH_MAX} or to more than {FILES_MAX} files; is there a circle?"
            )
        } else {
            match (self.file)(path) {
                Ok(bytes) => return Some(String::from_utf8_lossy(&bytes).into_owned()),
                Err(error) => format!("the file {} cannot be read: {error}", path.display()),
            }
        };
        self.faults.push(from.fault(None, refused));
        None
    }

    fn line(&mut self, line: &str, folder: &mut PathBuf, place: &Place) {
        let Some(line) = self.outside_comment(line) else {
            return;
        };
        let line = match line.strip_prefix('~') {
            Some(rest) => format!("more {rest}"),
            None => line.to_owned(),
        };
        let then = params(&line)
            .map_err(|problem| (None, problem))
            .and_then(|params| match unreadable(&params) {
                true => Err((None, "the line is not UTF-8; save the file as UTF-8".to_owned())),
                false => apply(&mut self.circuit, &mut self.cursor, &params, place),
            });
        match then {
            Ok(then) => self.follow(then, folder, place),
            Err((column, problem)) => self.faults.push(place.fault(column.as_deref(), problem)),
        }
    }

    /// The line without a block comment that starts it; none inside one.
    fn outside_comment<'t>(&mut self, line: &'t str) -> Option<&'t str> {
        let mut line = line.trim().trim_start_matches('\u{feff}');
        if !self.in_comment {
            let Some(rest) = line.strip_prefix("/*") else {
                return Some(line);
            };
            self.in_comment = true;
            line = rest;
        }
        let (_, after) = line.split_once("*/")?;
        self.in_comment = false;
        Some(after.trim())
    }

    fn follow(&mut self, then: Then, folder: &mut PathBuf, place: &Place) {
        match then {
            Then::Done => {}
            Then::Ignored(command) => *self.ignored.entry(command).or_default() += 1,
            Then::Run(name) => {
                if let Some(path) = self.inside(folder, &name, place) {
                    self.run_from(&path, place);
                }
            }
            Then::Compile(name) => {
                if let Some(path) = self.inside(folder, &name, place) {
                    self.run_from(&path, place);
                    *folder = path.parent().map(Path::to_owned).unwrap_or_default();
                }
            }
            Then::Coordinates(name, latitude_first) => {
                if let Some(path) = self.inside(folder, &name, place) {
                    self.coordinates(&path, latitude_first, place);
                }
            }
        }
    }

    /// The path of `name` seen from `folder`, if it stays in the entry's folder.
    fn inside(&mut self, folder: &Path, name: &str, place: &Place) -> Option<PathBuf> {
        let mut path = PathBuf::new();
        for part in folder.join(name.replace('\\', "/")).components() {
            let inside = match part {
                Component::Normal(part) => {
                    path.push(part);
                    true
                }
                Component::CurDir => true,
                Component::ParentDir => path.pop(),
                Component::RootDir | Component::Prefix(_) => false,
            };
            if !inside {
                let problem = format!("{name:.80?} is outside the folder of the first file; move it in");
                self.faults.push(place.fault(None, problem));
                return None;
            }
        }
        Some(path)
    }

    /// Reads `bus, x, y` or `bus, latitude, longitude` lines. Later files win.
    fn coordinates(&mut self, path: &Path, latitude_first: bool, from: &Place) {
        let Some(text) = self.text(path, from) else { return };
        let file: Rc<str> = Rc::from(path.to_string_lossy());
        for (line, number) in text.lines().zip(1..) {
            let fields = array(line.split(['!']).next().unwrap_or_default());
            let [bus, a, b, ..] = fields.as_slice() else {
                continue;
            };
            match (a.parse::<f64>(), b.parse::<f64>()) {
                (Ok(a), Ok(b)) => {
                    let at = if latitude_first { (b, a) } else { (a, b) };
                    self.circuit.coordinates.insert(bus.to_lowercase(), at);
                }
                // The first line may be a header.
                _ if number == 1 => {}
                _ => {
                    let place = Place {
                        file: Rc::clone(&file),
                        line: number,
                    };
                    let problem = "not a coordinate; write BUS, number, number".to_owned();
                    self.faults.push(place.fault(None, problem));
                }
            }
        }
    }
}

fn unreadable(params: &[super::token::Param]) -> bool {
    let bad = |text: &str| text.contains(char::REPLACEMENT_CHARACTER);
    params
        .iter()
        .any(|param| bad(&param.value) || param.name.as_deref().is_some_and(bad))
}
