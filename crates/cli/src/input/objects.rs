//! The objects of a JSON file.

use std::io::{self, BufRead};

/// Gives the objects of an array, or one after the other as they stand in lines, without looking into
/// them. What stands between, before and behind them has to be in order: what is not read might be
/// what got lost.
pub(crate) struct Objects<R> {
    source: R,
    place: Place,
    object: Vec<u8>,
    /// How many have been read.
    rows: u64,
}

/// What may come next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// An array, or an object.
    Start,
    /// The first object of an array, or its end.
    Array,
    /// A comma, or the end of the array.
    Behind,
    /// An object of an array.
    Next,
    /// An object, or the end.
    Lines,
    /// Nothing.
    Ended,
}

impl<R: BufRead> Objects<R> {
    /// Reads a mark that says that the text is UTF-8 over.
    pub(crate) fn new(mut source: R) -> io::Result<Self> {
        if source.fill_buf()?.starts_with(MARK) {
            source.consume(MARK.len());
        }
        Ok(Self {
            source,
            place: Place::Start,
            object: Vec::new(),
            rows: 0,
        })
    }

    /// Whether it is an array, as far as it has been read.
    pub(crate) fn has_array(&self) -> bool {
        ![Place::Start, Place::Lines].contains(&self.place)
    }

    /// The next object.
    pub(crate) fn next_object(&mut self) -> io::Result<Option<&[u8]>> {
        loop {
            let byte = self.peek()?;
            self.place = match (self.place, byte) {
                (_, Some(b' ' | b'\t' | b'\r' | b'\n')) => self.place,
                (Place::Start | Place::Lines | Place::Ended, None) => return Ok(None),
                (_, None) => return Err(cut_off()),
                (Place::Start, Some(b'[')) => Place::Array,
                (Place::Array | Place::Behind, Some(b']')) => Place::Ended,
                (Place::Behind, Some(b',')) => Place::Next,
                (place @ (Place::Start | Place::Lines), Some(b'{')) => {
                    return self.object(place, Place::Lines);
                }
                (place @ (Place::Array | Place::Next), Some(b'{')) => {
                    return self.object(place, Place::Behind);
                }
                (place, Some(_)) => return Err(self.out_of_order(place)),
            };
            self.source.consume(1);
        }
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.source.fill_buf()?.first().copied())
    }

    /// Reads an object to the bracket that closes it.
    fn object(&mut self, _: Place, behind: Place) -> io::Result<Option<&[u8]>> {
        self.object.clear();
        let mut scan = Scan::default();
        loop {
            let buffer = self.source.fill_buf()?;
            if buffer.is_empty() {
                return Err(cut_off());
            }
            let end = buffer.iter().position(|byte| scan.ends_at(*byte));
            let count = end.map_or(buffer.len(), |end| end + 1);
            self.object.extend(buffer.iter().take(count));
            self.source.consume(count);
            if end.is_some() {
                self.rows += 1;
                self.place = behind;
                return Ok(Some(&self.object));
            }
            if self.object.len() > MAX_OBJECT_BYTES {
                let message = format!("row {} does not end within 1 GiB", self.rows + 1);
                return Err(invalid(message));
            }
        }
    }

    fn out_of_order(&self, place: Place) -> io::Error {
        let row = self.rows;
        invalid(match place {
            Place::Start => "it begins neither with an array nor with an object".to_owned(),
            Place::Array | Place::Next => format!("row {} is no object", row + 1),
            Place::Behind => {
                format!("behind row {row} there is neither a comma nor the end of the array")
            }
            Place::Lines => format!("behind row {row} there is something that is no object"),
            Place::Ended => format!("behind the array, which ends with row {row}, there is more"),
        })
    }
}

/// Where in an object a byte stands.
#[derive(Default)]
struct Scan {
    depth: u32,
    is_in_string: bool,
    is_escaped: bool,
}

impl Scan {
    fn ends_at(&mut self, byte: u8) -> bool {
        if self.is_in_string {
            self.is_in_string = byte != b'"' || self.is_escaped;
            self.is_escaped = byte == b'\\' && !self.is_escaped;
            return false;
        }
        match byte {
            b'"' => self.is_in_string = true,
            b'{' => self.depth += 1,
            b'}' => {
                self.depth -= 1;
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

fn cut_off() -> io::Error {
    let message = "it ends within an array or an object: has it been cut off?";
    io::Error::new(io::ErrorKind::UnexpectedEof, message)
}

/// A byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";
/// The greatest `max_allowed_packet`, which a row does not exceed.
const MAX_OBJECT_BYTES: usize = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(text: &str) -> Result<Vec<String>, String> {
        // Pieces of a few bytes: what is remembered between them counts.
        let source = io::BufReader::with_capacity(3, text.as_bytes());
        let mut objects = Objects::new(source).map_err(|error| error.to_string())?;
        let mut found = Vec::new();
        loop {
            match objects.next_object() {
                Ok(None) => return Ok(found),
                Ok(Some(object)) => found.push(String::from_utf8_lossy(object).into_owned()),
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    #[test]
    fn an_array_and_lines_are_their_objects() {
        let array = "\u{feff}[\n  {\"a\": [1, {}],\n   \"b\": {}},\n  {\"a\": []}\n]\n";
        let found = objects(array).unwrap();
        assert_eq!(found, ["{\"a\": [1, {}],\n   \"b\": {}}", "{\"a\": []}"]);
        let lines = "{\"a\":\"],[{\\\\\"}\n{\"b\":\"x\\\"]}\"} {}";
        let found = objects(lines).unwrap();
        assert_eq!(found, ["{\"a\":\"],[{\\\\\"}", "{\"b\":\"x\\\"]}\"}", "{}"]);
        for nothing in ["", " \n", "[]", " [ ] "] {
            assert_eq!(objects(nothing).unwrap(), [""; 0]);
        }
    }

    #[test]
    fn what_stands_between_objects_or_behind_them_is_an_error() {
        for (text, part) in [
            ("[{}] x", "more"),
            ("[{}]\n[{}]", "more"),
            ("[{}]{}", "more"),
            ("[{},]", "row 2 is no object"),
            ("[,{}]", "row 1 is no object"),
            ("[{}{}]", "behind row 1"),
            ("[{}, 1]", "row 2 is no object"),
            ("[[{}]]", "row 1 is no object"),
            ("{},{}", "behind row 1"),
            ("{}\nnull\n", "behind row 1"),
            ("1", "begins neither"),
            ("}", "begins neither"),
        ] {
            let error = objects(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn an_array_or_an_object_that_does_not_end_is_an_error() {
        for text in ["[", "[{\"a\":1},", "[{\"a\":1}\n", "{\"a\":1", "{\"a\":\"}"] {
            let error = objects(text).unwrap_err();
            assert!(error.contains("cut off"), "{text}: {error}");
        }
    }
}
