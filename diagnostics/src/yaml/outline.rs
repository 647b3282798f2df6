//! Where in a text its values stand, and whether the text is one that may be read: found in one pass over the parser's
//! events, before anything is built. [`Document`](super::Document) and [`from_str`](super::from_str) call it.

use std::collections::HashMap;

use libyaml_safer::{Event, EventData, Mark, Parser};
use serde::de::IgnoredAny;

use super::{Step, YamlError, build, path_text};

/// Nobody writes a deeper document by hand; readers go down by calling themselves.
const MOST_LEVELS: usize = 64;
/// Values of a document with its aliases written out; a few lines of aliases of aliases stand for more than any memory holds.
const MOST_VALUES: u64 = 200_000;
/// Keys that stand twice, told one by one.
const MOST_DUPLICATES: usize = 20;

/// The places of all values of a text's first document.
#[derive(Debug, Default)]
pub(super) struct Outline {
    places: Vec<Place>,
    /// Keys that stand more than once in their mapping: where they stand again.
    pub duplicates: Vec<Duplicate>,
}

/// A key that stands twice.
#[derive(Debug)]
pub(super) struct Duplicate {
    pub path: Vec<Step>,
    /// Of the second one, counted from 1.
    pub line: usize,
    pub first_line: usize,
}

impl Duplicate {
    /// The mistake in words.
    pub(super) fn message(&self) -> String {
        format!("`{}`: stands a second time; the first is on line {}", path_text(&self.path), self.first_line)
    }
}

#[derive(Debug)]
struct Place {
    line: usize,
    /// Values here and below, aliases written out.
    values: u64,
    /// Whether the text is tagged as base64 of what is meant.
    is_binary: bool,
    inside: Inside,
}

/// The tag `!!binary`. <https://yaml.org/type/binary.html>
const BINARY: &str = "tag:yaml.org,2002:binary";

#[derive(Debug)]
enum Inside {
    Nothing,
    Items(Vec<usize>),
    Keys(HashMap<String, Entry>),
    /// The same as that place.
    Alias(usize),
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    line: usize,
    value: usize,
}

/// What a value is in the mapping around it.
enum Role {
    Value,
    /// The text of a key; a key that is a sequence or a mapping has none.
    Key(Option<String>),
}

/// A list or mapping whose end has not come.
struct Open {
    place: usize,
    /// The key whose value comes next; the text is none when the key is no scalar.
    key: Option<(Option<String>, usize)>,
    /// Whether it is itself a key.
    is_key: bool,
}

impl Outline {
    /// Reads a text. An error is a text that is not YAML, is too deep, or stands for too many values.
    pub(super) fn read(text: &str) -> Result<Self, YamlError> {
        Reader::default().read(text)
    }

    /// The line of the key or element at the end of the path, counted from 1; of the nearest one around it when the text
    /// has none there, as with merged keys.
    pub(super) fn line(&self, path: &[Step]) -> Option<usize> {
        let mut line = None;
        let mut place = 0;
        for step in path {
            let found = match (step, self.inside(place)?) {
                (Step::Key(key), Inside::Keys(keys)) => keys.get(key).map(|entry| (entry.line, entry.value)),
                (Step::Index(index), Inside::Items(items)) => {
                    items.get(*index).map(|item| (self.places[*item].line, *item))
                }
                _ => None,
            };
            let Some((of_step, value)) = found else { break };
            (line, place) = (Some(of_step), value);
        }
        line
    }

    /// Whether the value at the end of the path has the tag `!!binary`.
    pub(super) fn is_binary(&self, path: &[Step]) -> bool {
        let found = path.iter().try_fold(0, |place, step| match (step, self.inside(place)?) {
            (Step::Key(key), Inside::Keys(_)) => self.value_of_key(place, key, MOST_LEVELS),
            (Step::Index(index), Inside::Items(items)) => items.get(*index).copied(),
            _ => None,
        });
        let Some(place) = found.and_then(|place| self.places.get(place)) else { return false };
        match place.inside {
            Inside::Alias(other) => self.places[other].is_binary,
            _ => place.is_binary,
        }
    }

    /// A mapping's own key, or one that is merged into it (`<<`).
    fn value_of_key(&self, place: usize, key: &str, levels: usize) -> Option<usize> {
        let Inside::Keys(keys) = self.inside(place)? else { return None };
        if let Some(entry) = keys.get(key) {
            return Some(entry.value);
        }
        let merged = keys.get("<<").filter(|_| levels > 0)?.value;
        match self.inside(merged)? {
            Inside::Items(items) => items.iter().find_map(|item| self.value_of_key(*item, key, levels - 1)),
            _ => self.value_of_key(merged, key, levels - 1),
        }
    }

    fn inside(&self, place: usize) -> Option<&Inside> {
        match &self.places.get(place)?.inside {
            Inside::Alias(other) => Some(&self.places[*other].inside),
            inside => Some(inside),
        }
    }
}

/// The parser counts from 0.
fn line_of(mark: &Mark) -> usize {
    usize::try_from(mark.line).unwrap_or(usize::MAX).saturating_add(1)
}

/// Follows the parser's events.
#[derive(Default)]
struct Reader {
    outline: Outline,
    open: Vec<Open>,
    /// Places by their anchor.
    anchors: HashMap<String, usize>,
    /// Documents that have begun.
    documents: usize,
    values: u64,
}

impl Reader {
    fn read(mut self, text: &str) -> Result<Outline, YamlError> {
        let mut bytes = text.as_bytes();
        let mut parser = Parser::new();
        parser.set_input_string(&mut bytes);
        for event in parser {
            let Event { data, start_mark, .. } = event.map_err(|error| {
                // serde_yaml stops at the same place, and says more.
                build::<IgnoredAny>(text).err().unwrap_or_else(|| YamlError {
                    message: error.problem().to_owned(),
                    line: error.problem_mark().map(|mark| line_of(&mark)),
                })
            })?;
            let line = line_of(&start_mark);
            match data {
                EventData::DocumentStart { .. } => {
                    self.documents += 1;
                    self.anchors.clear();
                }
                EventData::Scalar { anchor, tag, value, .. } => {
                    self.value(line, anchor, Inside::Nothing, Some(value))?;
                    if let Some(place) = self.outline.places.last_mut() {
                        place.is_binary = tag.as_deref() == Some(BINARY);
                    }
                }
                EventData::Alias { anchor } => {
                    let other = self.anchors.get(&anchor).copied();
                    self.value(line, None, other.map_or(Inside::Nothing, Inside::Alias), None)?;
                }
                EventData::SequenceStart { anchor, .. } => self.begin(line, anchor, Inside::Items(Vec::new()))?,
                EventData::MappingStart { anchor, .. } => self.begin(line, anchor, Inside::Keys(HashMap::new()))?,
                EventData::SequenceEnd | EventData::MappingEnd => self.end(),
                _ => {}
            }
        }
        Ok(self.outline)
    }

    /// A value of which nothing more comes.
    fn value(
        &mut self,
        line: usize,
        anchor: Option<String>,
        inside: Inside,
        text: Option<String>,
    ) -> Result<(), YamlError> {
        let is_key = self.expects_key();
        let place = self.place(line, anchor, inside)?;
        self.attach(place, if is_key { Role::Key(text) } else { Role::Value });
        Ok(())
    }

    fn begin(&mut self, line: usize, anchor: Option<String>, inside: Inside) -> Result<(), YamlError> {
        if self.open.len() == MOST_LEVELS {
            let message = format!("it is deeper than the {MOST_LEVELS} levels that are read");
            return Err(YamlError { message, line: Some(line) });
        }
        let is_key = self.expects_key();
        let place = self.place(line, anchor, inside)?;
        self.open.push(Open { place, key: None, is_key });
        Ok(())
    }

    fn end(&mut self) {
        if let Some(Open { place, is_key, .. }) = self.open.pop() {
            self.attach(place, if is_key { Role::Key(None) } else { Role::Value });
        }
    }

    /// Whether the next value is the key of the mapping that is open.
    fn expects_key(&self) -> bool {
        self.open
            .last()
            .is_some_and(|open| open.key.is_none() && matches!(self.outline.places[open.place].inside, Inside::Keys(_)))
    }

    fn place(&mut self, line: usize, anchor: Option<String>, inside: Inside) -> Result<usize, YamlError> {
        let values = match &inside {
            Inside::Alias(other) => self.outline.places[*other].values,
            _ => 1,
        };
        self.values = self.values.saturating_add(values);
        if self.values > MOST_VALUES {
            let message = format!("it stands for more than the {MOST_VALUES} values that are read");
            return Err(YamlError { message, line: Some(line) });
        }
        let place = self.outline.places.len();
        self.outline.places.push(Place { line, values, is_binary: false, inside });
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, place);
        }
        Ok(place)
    }

    /// Puts what is complete into what is open around it.
    fn attach(&mut self, place: usize, role: Role) {
        let Some(open) = self.open.last_mut() else { return };
        let Place { line, values, .. } = self.outline.places[place];
        let around = &mut self.outline.places[open.place];
        around.values = around.values.saturating_add(values);
        if let Role::Key(text) = role {
            open.key = Some((text, line));
            return;
        }
        let again = match (&mut around.inside, open.key.take()) {
            (Inside::Items(items), _) => {
                items.push(place);
                None
            }
            (Inside::Keys(keys), Some((Some(key), line))) => match keys.get(&key) {
                Some(first) => Some((key, line, first.line)),
                None => {
                    keys.insert(key, Entry { line, value: place });
                    None
                }
            },
            _ => None,
        };
        // What is in a second document is a mistake as a whole.
        if let Some((key, line, first_line)) = again
            && self.documents == 1
            && self.outline.duplicates.len() < MOST_DUPLICATES
        {
            let mut path = self.path();
            path.push(Step::Key(key));
            self.outline.duplicates.push(Duplicate { path, line, first_line });
        }
    }

    /// The way to what is open.
    fn path(&self) -> Vec<Step> {
        let around = self.open.iter().take(self.open.len().saturating_sub(1));
        around
            .map(|open| match (&open.key, &self.outline.places[open.place].inside) {
                (Some((Some(key), _)), _) => Step::Key(key.clone()),
                (_, Inside::Items(items)) => Step::Index(items.len()),
                _ => Step::Key("?".into()),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key: &str) -> Step {
        Step::Key(key.into())
    }

    #[test]
    fn lines_of_keys_and_elements() {
        let text = "a:\n  b:\n    - x\n    - y: 1\n      z: {in: 2,\n        line: 3}\n80: &anchor\n  k: v\nm:\n  <<: *anchor\n  o: \"p\n    q\"\n  r: 1\ns: *anchor\n";
        let outline = Outline::read(text).unwrap();
        for (path, line) in [
            (vec![key("a")], Some(1)),
            (vec![key("a"), key("b")], Some(2)),
            (vec![key("a"), key("b"), Step::Index(0)], Some(3)),
            (vec![key("a"), key("b"), Step::Index(1), key("z")], Some(5)),
            (vec![key("a"), key("b"), Step::Index(1), key("z"), key("line")], Some(6)),
            (vec![key("a"), key("b"), Step::Index(2)], Some(2)),
            (vec![key("80"), key("k")], Some(8)),
            (vec![key("m"), key("k")], Some(9)),
            (vec![key("m"), key("r")], Some(13)),
            (vec![key("s"), key("k")], Some(8)),
            (vec![key("none")], None),
            (vec![], None),
        ] {
            assert_eq!(outline.line(&path), line, "{}", path_text(&path));
        }
    }

    #[test]
    fn keys_that_stand_twice_are_told_where_they_do() {
        let outline = Outline::read("a: 1\nb:\n  - {c: 1}\n  - d: 1\n    ? [x]\n    : 2\n    d: 2\na: 3\n").unwrap();
        let told: Vec<(usize, String)> = outline.duplicates.iter().map(|one| (one.line, one.message())).collect();
        let expected = [
            (7, "`b[1].d`: stands a second time; the first is on line 4".to_owned()),
            (8, "`a`: stands a second time; the first is on line 1".to_owned()),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_no_memory_holds_is_refused() {
        let mut aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let below = format!("*a{}, ", level - 1).repeat(10);
            aliases.push_str(&format!("a{level}: &a{level} [{below}]\n"));
        }
        for (text, expected) in [
            ("[".repeat(100_000), "line 1: it is deeper than the 64 levels"),
            ("- ".repeat(100_000), "line 1: it is deeper than the 64 levels"),
            ("{a: ".repeat(100_000), "line 1: it is deeper than the 64 levels"),
            ("? ".repeat(100_000), "line 1: it is deeper than the 64 levels"),
            ("x: 1\ny:\n".to_owned() + &"- a\n".repeat(300_000), "it stands for more than the 200000 values"),
            (aliases, "line 6: it stands for more than the 200000 values"),
            ("a: [\n".to_owned(), "line"),
        ] {
            let error = Outline::read(&text).unwrap_err();
            let found = format!("line {}: {}", error.line.unwrap(), error.message);
            assert!(found.contains(expected), "{found}");
        }
        assert!(Outline::read(&("[".repeat(64) + &"]".repeat(64))).is_ok());
    }
}
