//! JSON arrays as lines.

use std::io::{self, BufRead, Read};

/// Gives the elements of a JSON array as lines, and lines as they are: an array is not what readers
/// of lines take, and an object may have line breaks in it.
pub(crate) struct Elements<R> {
    source: R,
    depth: u32,
    /// How many arrays around the objects have begun and not ended.
    open_arrays: u32,
    has_array: bool,
    is_in_string: bool,
    is_escaped: bool,
    buffer: Vec<u8>,
    read: usize,
}

impl<R: BufRead> Elements<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            depth: 0,
            open_arrays: 0,
            has_array: false,
            is_in_string: false,
            is_escaped: false,
            buffer: Vec::new(),
            read: 0,
        }
    }

    /// Whether an array has begun, as far as it has been read.
    pub(crate) const fn has_array(&self) -> bool {
        self.has_array
    }

    /// Takes `count` bytes of the buffer, and puts them behind `read`.
    pub(crate) fn consume_into(&mut self, count: usize, read: &mut Vec<u8>) {
        let end = self.buffer.len().min(self.read + count);
        read.extend_from_slice(self.buffer.get(self.read..end).unwrap_or_default());
        self.read = end;
    }

    /// What stands in place of a byte.
    fn replaced(&mut self, byte: u8) -> u8 {
        if self.is_in_string {
            let ends = byte == b'"' && !self.is_escaped;
            self.is_escaped = byte == b'\\' && !self.is_escaped;
            self.is_in_string = !ends;
            return byte;
        }
        match byte {
            b'"' => {
                self.is_in_string = true;
                byte
            }
            b'{' => {
                self.depth += 1;
                byte
            }
            b'}' => {
                self.depth = self.depth.saturating_sub(1);
                byte
            }
            // Lists inside of objects stay.
            b'[' if self.depth == 0 => {
                self.open_arrays += 1;
                self.has_array = true;
                b'\n'
            }
            b']' if self.depth == 0 => {
                self.open_arrays = self.open_arrays.saturating_sub(1);
                b'\n'
            }
            b',' if self.depth == 0 => b'\n',
            b'\n' | b'\r' if self.depth > 0 => b' ',
            _ => byte,
        }
    }
}

impl<R: BufRead> BufRead for Elements<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read == self.buffer.len() {
            self.buffer.clear();
            self.read = 0;
            let mut bytes = std::mem::take(&mut self.buffer);
            let filled = self.source.fill_buf()?;
            let length = filled.len();
            // A file that was cut off between two objects would look whole.
            if length == 0 && (self.open_arrays > 0 || self.depth > 0 || self.is_in_string) {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, CUT_OFF));
            }
            bytes.extend_from_slice(filled);
            self.source.consume(length);
            for byte in &mut bytes {
                *byte = self.replaced(*byte);
            }
            self.buffer = bytes;
        }
        Ok(self.buffer.get(self.read..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.read = self.buffer.len().min(self.read + count);
    }
}

impl<R: BufRead> Read for Elements<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

const CUT_OFF: &str = "it ends within an array or an object: has it been cut off?";

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        // Pieces of a few bytes: what is remembered between them counts.
        let source = io::BufReader::with_capacity(3, text.as_bytes());
        let mut read = String::new();
        Elements::new(source).read_to_string(&mut read).unwrap();
        let lines = read.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn an_array_becomes_a_line_an_element() {
        let text = "[\n  {\"a\": [1, 2],\n   \"b\": {}},\n  {\"a\": []}\n]\n";
        assert_eq!(
            lines(text),
            ["{\"a\": [1, 2],    \"b\": {}}", "{\"a\": []}"]
        );
        assert_eq!(lines("[]"), [""; 0]);
    }

    #[test]
    fn lines_and_what_stands_in_strings_stay_as_they_are() {
        let text = "{\"a\":\"],[{\\\\\"}\n{\"b\":\"x\\\"]\"}\n";
        assert_eq!(lines(text), ["{\"a\":\"],[{\\\\\"}", "{\"b\":\"x\\\"]\"}"]);
    }

    #[test]
    fn an_array_or_an_object_that_does_not_end_is_an_error() {
        for text in ["[{\"a\":1},", "[{\"a\":1}\n", "{\"a\":1", "{\"a\":\"}"] {
            let read = Elements::new(text.as_bytes()).read_to_string(&mut String::new());
            let kind = read.unwrap_err().kind();
            assert_eq!(kind, io::ErrorKind::UnexpectedEof, "{text}");
        }
    }
}
