use std::collections::VecDeque;
use std::io::{self, Read};

/// Notes of empty values whether they stand in quotation marks, and refuses CSV whose quotation marks are not in order: one that is not closed would make one value of
/// all that follows, and one that is closed by the next one another value than was meant.
pub(super) struct Quotes<R> {
    source: R,
    delimiter: u8,
    place: Place,
    line: u64,
    /// The line in which the value in quotation marks begins, and how long it is.
    begin: u64,
    bytes: u64,
    /// How much of a byte order mark has been read.
    mark: Option<usize>,
    /// How many values of the line have ended.
    values: u64,
    /// Of each empty value that nobody has asked for yet whether it stands in quotation marks; `None`
    /// where nobody is going to ask.
    empty: Option<VecDeque<bool>>,
}

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    Start,
    Plain,
    Quoted,
    /// Behind a quotation mark that ends the value unless another one follows.
    Behind,
}

impl<R: Read> Quotes<R> {
    pub(super) const fn new(source: R, delimiter: u8) -> Self {
        Self {
            source,
            delimiter,
            place: Place::Start,
            line: 1,
            begin: 1,
            bytes: 0,
            mark: Some(0),
            values: 0,
            empty: None,
        }
    }

    /// Notes of all empty values whether they stand in quotation marks.
    pub(super) fn noting_empty(mut self) -> Self {
        self.empty = Some(VecDeque::new());
        self
    }

    /// Whether the next empty value stands in quotation marks.
    pub(super) fn next_empty_is_quoted(&mut self) -> bool {
        let next = self.empty.as_mut().and_then(VecDeque::pop_front);
        next.unwrap_or(false)
    }

    /// A value ends here. A line without any is none of the table's.
    fn note(&mut self, ends_line: bool) {
        let is_quoted = self.place == Place::Behind;
        let is_empty = match self.place {
            Place::Start => !ends_line || self.values > 0,
            Place::Behind => self.bytes == 0,
            Place::Plain | Place::Quoted => false,
        };
        if let Some(empty) = self.empty.as_mut().filter(|_| is_empty) {
            empty.push_back(is_quoted);
        }
        self.values = if ends_line { 0 } else { self.values + 1 };
    }

    fn look(&mut self, byte: u8) -> io::Result<()> {
        if self.is_mark(byte) {
            return Ok(());
        }
        let ends_line = byte == b'\n' || byte == b'\r';
        let ends_value = byte == self.delimiter || ends_line;
        if ends_value && self.place != Place::Quoted {
            self.note(ends_line);
        }
        self.place = match (self.place, byte) {
            (Place::Start, b'"') => {
                (self.begin, self.bytes) = (self.line, 0);
                Place::Quoted
            }
            (Place::Quoted, b'"') => Place::Behind,
            (Place::Behind, b'"') | (Place::Quoted, _) => self.quoted()?,
            _ if ends_value => Place::Start,
            (Place::Behind, _) => {
                return Err(
                    self.wrong("is followed by text: a mark within a value is written twice")
                );
            }
            (Place::Start | Place::Plain, _) => Place::Plain,
        };
        self.line += u64::from(byte == b'\n');
        Ok(())
    }

    fn quoted(&mut self) -> io::Result<Place> {
        self.bytes += 1;
        if self.bytes > MAX_VALUE_BYTES {
            return Err(self.wrong("does not end within 1 GiB, the longest value of a server"));
        }
        Ok(Place::Quoted)
    }

    /// Whether the byte belongs to the mark that stands in front of UTF-8 now and then.
    fn is_mark(&mut self, byte: u8) -> bool {
        let is_mark = self.mark.is_some_and(|read| MARK.get(read) == Some(&byte));
        self.mark = self.mark.filter(|_| is_mark).map(|read| read + 1);
        is_mark
    }

    fn wrong(&self, what: &str) -> io::Error {
        let message = format!(
            "the value in quotation marks that begins in line {} {what}",
            self.begin
        );
        io::Error::new(io::ErrorKind::InvalidData, message)
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(out)?;
        if count == 0 && !out.is_empty() && self.place == Place::Quoted {
            return Err(self.wrong("does not end"));
        }
        if count == 0 && !out.is_empty() {
            self.note(true);
            self.place = Place::Start;
        }
        let read = out.iter().take(count);
        read.copied().try_for_each(|byte| self.look(byte))?;
        Ok(count)
    }
}

const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
/// The greatest `max_allowed_packet`.
const MAX_VALUE_BYTES: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of `text`, a byte at a time.
    fn read(text: &str) -> Result<String, String> {
        let mut read = String::new();
        let mut quotes = Quotes::new(text.as_bytes(), b';');
        let mut byte = [0];
        loop {
            match quotes.read(&mut byte) {
                Ok(0) => return Ok(read),
                Ok(_) => read.push(char::from(byte[0])),
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    #[test]
    fn values_in_order_pass_as_they_are() {
        for text in [
            "",
            "a;b\n1;2\n",
            "\"a\";\"b\"\r\n\"1\n2\";\"\"\n",
            "\"say \"\"yes\"\"\"\n",
            "5\" pipe;it's\n",
        ] {
            assert_eq!(read(text).as_deref(), Ok(text));
        }
        assert!(read("\u{feff}\"a\"\n").is_ok());
    }

    #[test]
    fn of_empty_values_it_is_known_whether_they_stand_in_quotation_marks() {
        let noted = |text: &str| {
            let mut quotes = Quotes::new(text.as_bytes(), b',').noting_empty();
            io::copy(&mut quotes, &mut io::sink()).unwrap();
            Vec::from(quotes.empty.unwrap())
        };
        assert_eq!(noted(",\"\",a\n"), [false, true]);
        assert_eq!(noted("\"\"\n\n\r\n\"\"\r\n"), [true, true]);
        assert_eq!(noted("1,\n1,\"\"\r\n1,"), [false, true, false]);
        assert_eq!(noted("1,\"\""), [true]);
        assert!(noted("\"\"\"\",\"a\",\"\n\",b\n").is_empty());
        assert_eq!(noted("\u{feff},1\n"), [false]);
    }

    #[test]
    fn a_quotation_that_does_not_end_is_an_error_with_the_line_of_its_beginning() {
        let error = read("a;b\n1;2\n3;\"four\n5;6\n").unwrap_err();
        assert!(error.contains("begins in line 3 does not end"), "{error}");
        assert!(read("a;\"").is_err());
        assert!(read("\u{feff}\"a\n").is_err());
    }

    #[test]
    fn text_behind_a_quotation_is_an_error() {
        // Otherwise it would be one row of two columns.
        let error = read("1;\"two\n3;\"four\"\n").unwrap_err();
        assert!(error.contains("begins in line 1 is followed"), "{error}");
    }
}
