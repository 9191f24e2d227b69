//! RDF/XML into objects: one per element below the root, its properties as text.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::Wrong;

/// One object of the file.
#[derive(Debug)]
pub(super) struct Object {
    /// Without the prefix of its namespace.
    pub(super) class: String,
    /// Its mRID: the id in the RDF without what stands before it, in lower case.
    pub(super) mrid: String,
    /// The same, as the file writes it.
    pub(super) given: String,
    /// Where it begins.
    pub(super) line: u64,
    properties: Vec<(String, String)>,
}

impl Object {
    /// The first property that ends with `name`, which has the class it is inherited from before it.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let own = |given: &str| given == name || given.rsplit('.').next() == Some(name);
        let found = self.properties.iter().find(|(given, _)| own(given));
        found.map(|(_, value)| value.as_str())
    }

    /// The mRID of the object a property refers to.
    pub(super) fn link(&self, name: &str) -> Option<String> {
        self.get(name).map(mrid_of)
    }

    /// The word of an enumeration: what stands behind the last point.
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.get(name)?.rsplit(['.', '#']).next()
    }

    /// A truth value.
    pub(super) fn is(&self, name: &str) -> Option<bool> {
        self.get(name)
            .map(|value| value.eq_ignore_ascii_case("true") || value == "1")
    }

    /// A number.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.parse().ok()
    }

    pub(super) fn name(&self) -> &str {
        self.get("IdentifiedObject.name").unwrap_or_default()
    }

    pub(super) fn wrong(&self, problem: String) -> Wrong {
        let name = Some(self.name())
            .filter(|name| !name.is_empty())
            .unwrap_or(&self.given);
        Wrong {
            line: self.line,
            object: format!("{} {name:.100}", self.class),
            problem,
        }
    }
}

/// Classes with nothing to say about what is connected; most of a file is of these.
fn is_left_out(class: &str) -> bool {
    const PARTS: [&str; 12] = [
        "Limit",
        "Info",
        "Impedance",
        "Analog",
        "Discrete",
        "Test",
        "TapChanger",
        "Response",
        "Measurement",
        "Admittance",
        "Name",
        "Curve",
    ];
    PARTS.iter().any(|part| class.contains(part))
}

/// The id in `urn:uuid:X`, `#_X`, `#X`, `_X` or `X`, in lower case.
pub(super) fn mrid_of(reference: &str) -> String {
    given_of(reference).to_lowercase()
}

fn given_of(reference: &str) -> &str {
    let id = reference.rsplit(['#']).next().unwrap_or(reference);
    let id = id.strip_prefix("urn:uuid:").unwrap_or(id);
    id.strip_prefix('_').unwrap_or(id)
}

/// The objects of a file, in its order. What is wrong with one is added to `faults`; XML that is not
/// well formed ends the reading with its line.
pub(super) fn read(from: impl BufRead, faults: &mut Vec<Wrong>) -> Result<Vec<Object>, (u64, String)> {
    let mut reader = Reader::from_reader(Lines { from, line: 1 });
    let mut reading = Reading {
        faults,
        objects: Vec::new(),
        by_mrid: HashMap::new(),
        now: None,
        property: None,
        depth: 0,
    };
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer);
        let event = event.map_err(|error| format!("the XML is not well formed: {error}"));
        let more = event.and_then(|event| reading.event(event, reader.get_ref().line));
        match more {
            Ok(true) => {}
            Ok(false) => return Ok(reading.objects),
            Err(problem) => return Err((reader.get_ref().line, problem)),
        }
    }
}

/// Where the reading of a file stands.
struct Reading<'a> {
    faults: &'a mut Vec<Wrong>,
    objects: Vec<Object>,
    by_mrid: HashMap<String, usize>,
    /// The object that is open.
    now: Option<Object>,
    /// The property that is open: its name and what has been read of it.
    property: Option<(String, String)>,
    depth: usize,
}

/// Deepest nesting: the root, an object, a property.
const DEPTH_MAX: usize = 32;

impl Reading<'_> {
    /// Takes one event in; false at the end of the file.
    fn event(&mut self, event: Event<'_>, line: u64) -> Result<bool, String> {
        match event {
            Event::Start(tag) => {
                self.begin(&tag, line)?;
                self.depth += 1;
            }
            Event::Empty(tag) => {
                self.begin(&tag, line)?;
                self.depth += 1;
                self.end();
            }
            Event::End(_) => self.end(),
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => self.text(&resolved(&reference)?),
            Event::Eof if self.depth > 0 => {
                return Err("the file ends in the middle of an element".to_owned());
            }
            Event::Eof => return Ok(false),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
        Ok(true)
    }

    fn begin(&mut self, tag: &BytesStart<'_>, line: u64) -> Result<(), String> {
        let name = tag.local_name();
        let name: &str = name.as_ref();
        match self.depth {
            0 if name != "RDF" => {
                return Err(format!(
                    "the first element is {name:.40}, not rdf:RDF; is this CIM RDF/XML?"
                ));
            }
            1 => {
                let reference = attribute(tag, &["about", "ID"])?.unwrap_or_default();
                self.now = Some(Object {
                    class: name.to_owned(),
                    mrid: mrid_of(&reference),
                    given: given_of(&reference).to_owned(),
                    line,
                    properties: Vec::new(),
                });
            }
            2 => {
                let reference = attribute(tag, &["resource"])?.unwrap_or_default();
                self.property = Some((name.to_owned(), reference));
            }
            DEPTH_MAX.. => return Err(format!("elements are nested deeper than {DEPTH_MAX}")),
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some((_, value)) = &mut self.property {
            value.push_str(text);
        }
    }

    fn end(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        match self.depth {
            2 => {
                if let (Some(object), Some((name, value))) = (&mut self.now, self.property.take()) {
                    object.properties.push((name, value.trim().to_owned()));
                }
            }
            1 => {
                if let Some(object) = self.now.take() {
                    self.add(object);
                }
            }
            _ => {}
        }
    }

    /// Adds an object, or what a second element says about one there is.
    fn add(&mut self, mut object: Object) {
        if object.class == "Description" {
            object.class = object.word("type").unwrap_or_default().to_owned();
        }
        let own_mrid = object.get("IdentifiedObject.mRID").map(str::to_owned);
        if let (true, Some(given)) = (object.mrid.is_empty(), own_mrid) {
            object.mrid = mrid_of(&given);
            object.given = given;
        }
        if is_left_out(&object.class) {
            return;
        }
        if object.mrid.is_empty() {
            // Parts that nothing refers to may do without: a position, a phase.
            self.objects.push(object);
            return;
        }
        let next = self.objects.len();
        let at = *self.by_mrid.entry(object.mrid.clone()).or_insert(next);
        if at == next {
            self.objects.push(object);
            return;
        }
        let first = &mut self.objects[at];
        let same_class = first.class == object.class || object.class.is_empty();
        let repeats = object.properties.iter().any(|(name, value)| {
            let known = first.properties.iter().find(|(given, _)| given == name);
            known.is_some_and(|(_, given)| given != value)
        });
        if same_class && !repeats {
            first.properties.append(&mut object.properties);
        } else {
            let problem = format!(
                "the id {} is defined twice, first on line {}",
                object.given, first.line
            );
            self.faults.push(object.wrong(problem));
        }
    }
}

fn attribute(tag: &BytesStart<'_>, names: &[&str]) -> Result<Option<String>, String> {
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| format!("the XML is not well formed: {error}"))?;
        let local = attribute.key.local_name();
        let local: &str = local.as_ref();
        if names.contains(&local) {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            return value
                .map(|value| Some(value.into_owned()))
                .map_err(|error| format!("the XML is not well formed: {error}"));
        }
    }
    Ok(None)
}

/// What `&amp;` and the like stand for.
fn resolved(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return Ok(c.to_string());
    }
    let name = reference.xml10_content();
    let c = match name.as_ref() {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        other => return Err(format!("the entity &{other:.40}; is not known")),
    };
    Ok(c.to_owned())
}

/// Counts the lines that were read.
struct Lines<R> {
    from: R,
    line: u64,
}

impl<R: BufRead> Read for Lines<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.line += newlines(&into[..read]);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Lines<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.from.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // The buffer is still there: asking again costs nothing.
        if let Ok(buffer) = self.from.fill_buf() {
            self.line += newlines(&buffer[..amount.min(buffer.len())]);
        }
        self.from.consume(amount);
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}
