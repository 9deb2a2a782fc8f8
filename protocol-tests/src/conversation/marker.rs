//! What tells the rows of one request from those of another.

use std::fmt;

/// A request, and what the server is to answer. It goes to the server inside the statement, and
/// comes back in each row and each error: as text of a fixed length, of which half is a checksum,
/// so that a fault of a few bytes makes no other marker of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Marker {
    pub(super) number: u32,
    pub(super) kind: Kind,
    /// How many rows come; of a batch, which row is refused.
    pub(super) rows: u8,
    /// How long the third cell of a row is.
    pub(super) padding: Padding,
    pub(super) course: Course,
}

/// How the answer comes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Course {
    Plain,
    /// The server says before how far it is.
    Reported,
    /// Behind half of it comes an error.
    Broken,
}

/// What the server answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Rows,
    Done,
    Refused,
    /// An error that ends the transaction.
    Deadlock,
    /// Two results with rows, and one without.
    Call,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Padding {
    None,
    Short,
    /// The first row is more than a read.
    Long,
}

impl Marker {
    /// The marker of a request whose kind and size are in these bytes.
    pub(super) fn new(number: u32, kind: u8, padding: u8) -> Self {
        let rows = kind / 8 % 8;
        let course = match kind / 64 {
            0 | 1 => Course::Plain,
            2 => Course::Reported,
            _ => Course::Broken,
        };
        let kind = match kind % 8 {
            0..=3 => Kind::Rows,
            4 => Kind::Done,
            5 => Kind::Refused,
            6 => Kind::Deadlock,
            _ => Kind::Call,
        };
        let padding = match padding % 8 {
            0..=4 => Padding::None,
            5 | 6 => Padding::Short,
            _ => Padding::Long,
        };
        Self {
            number,
            kind,
            rows,
            padding,
            course,
        }
    }

    /// Whether an error ends the answer, behind something else.
    pub(super) fn is_broken(self) -> bool {
        self.course == Course::Broken && matches!(self.kind, Kind::Rows | Kind::Call)
    }

    /// The first marker in `text`.
    pub(super) fn find(text: &[u8]) -> Option<Self> {
        Self::all(text).next().map(|(marker, _)| marker)
    }

    /// All markers in `text`, each with what follows it.
    pub(super) fn all(text: &[u8]) -> impl Iterator<Item = (Self, &[u8])> {
        let starts = (0..text.len()).filter(|&at| text[at] == b'#');
        starts.filter_map(|at| {
            let rest = &text[at..];
            Some((Self::read(rest.get(..LENGTH)?)?, &rest[LENGTH..]))
        })
    }

    fn read(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let number = text.get(1..5)?.parse().ok()?;
        let kind = match text.as_bytes()[22] {
            b'r' => Kind::Rows,
            b'o' => Kind::Done,
            b'e' => Kind::Refused,
            b'd' => Kind::Deadlock,
            b'c' => Kind::Call,
            _ => return None,
        };
        let rows = text.get(23..24)?.parse().ok()?;
        let padding = match text.as_bytes()[24] {
            b'n' => Padding::None,
            b's' => Padding::Short,
            b'l' => Padding::Long,
            _ => return None,
        };
        let course = match text.as_bytes()[25] {
            b'p' => Course::Plain,
            b'r' => Course::Reported,
            b'b' => Course::Broken,
            _ => return None,
        };
        let marker = Self {
            number,
            kind,
            rows,
            padding,
            course,
        };
        (marker.to_string() == text).then_some(marker)
    }

    /// What an `AUTO_INCREMENT` column gives to row `index` of the request.
    pub(super) const fn id(self, index: u32) -> u64 {
        mix(self.number as u64) & 0x0fff_ffff_ffff_0000 | index as u64
    }

    /// Row `index` of its answer, the third cell.
    pub(super) fn padding(self, index: usize) -> String {
        let length = match self.padding {
            Padding::None => index,
            // Byte by byte, more than one such row takes a fuzzer seconds.
            Padding::Long if index == 0 => 9_000,
            Padding::Short | Padding::Long => 300 + index,
        };
        "x".repeat(length)
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Rows => 'r',
            Kind::Done => 'o',
            Kind::Refused => 'e',
            Kind::Deadlock => 'd',
            Kind::Call => 'c',
        };
        let padding = match self.padding {
            Padding::None => 'n',
            Padding::Short => 's',
            Padding::Long => 'l',
        };
        let course = match self.course {
            Course::Plain => 'p',
            Course::Reported => 'r',
            Course::Broken => 'b',
        };
        let (number, rows) = (self.number, self.rows);
        write!(
            f,
            "#{number:04}:{:016x}{kind}{rows}{padding}{course}",
            mix(number.into())
        )
    }
}

/// A number with every bit changed by every other (`splitmix64`).
const fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// `#`, four digits, a colon, sixteen digits, four letters.
const LENGTH: usize = 26;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_comes_back_and_a_damaged_one_does_not() {
        for kind in 0..=0xff {
            let marker = Marker::new(u32::from(kind), kind, kind);
            let text = format!("SELECT '{marker}', 7");
            let (found, rest) = Marker::all(text.as_bytes()).next().unwrap();
            assert_eq!((found, rest), (marker, b"', 7".as_slice()));
            for at in 0..18 {
                let mut damaged = marker.to_string().into_bytes();
                damaged[at] ^= 1;
                assert_eq!(Marker::find(&damaged), None);
            }
        }
    }
}
