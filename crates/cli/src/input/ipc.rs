//! Arrow's formats, whose lengths are looked at before somebody allocates by them: for more memory than
//! there is a program cannot ask and go on.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};

use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader, read_footer_length};
use arrow::ipc::{Block, root_as_footer, root_as_message};

use super::damaged::cut;
use super::{Batches, MAX_PIPED_BYTES};

/// Arrow's file format; the stream format goes by the same endings.
pub(super) fn file(file: File) -> Result<Batches, ArrowError> {
    let bytes = file.metadata()?.len();
    let mut file = BufReader::new(file);
    let head = head(&mut file)?;
    file.rewind()?;
    if !head.starts_with(ARROW_MAGIC) {
        return stream(file, bytes);
    }
    check_blocks(&mut file, bytes)?;
    Ok(Box::new(FileReader::try_new(file, None)?))
}

/// Arrow's stream format, in which nothing is longer than `max_bytes`.
pub(super) fn stream(
    mut source: impl BufRead + Send + 'static,
    max_bytes: u64,
) -> Result<Batches, ArrowError> {
    let head = head(&mut source)?;
    if !head.starts_with(&CONTINUATION) {
        let message = if head.is_empty() {
            "it is empty: not even a schema is in it"
        } else {
            "it is no stream or file of Arrow's"
        };
        return Err(ArrowError::ParseError(message.to_owned()));
    }
    let messages = Messages {
        source: Cursor::new(head).chain(source),
        max_bytes,
        ready: Cursor::new(Vec::new()),
        body: 0,
        has_ended: false,
    };
    Ok(Box::new(StreamReader::try_new(messages, None)?))
}

/// That all parts of a file of so many bytes are within it.
fn check_blocks(file: &mut (impl Read + Seek), bytes: u64) -> Result<(), ArrowError> {
    let mut tail = [0; 10];
    // The head, and what is read here.
    if bytes < 8 + 10 {
        return Err(cut().into());
    }
    file.seek(SeekFrom::End(-10))?;
    file.read_exact(&mut tail)?;
    if !tail.ends_with(ARROW_MAGIC) {
        return Err(cut().into());
    }
    let footer_bytes = u64::try_from(read_footer_length(tail)?).unwrap_or(u64::MAX);
    let begin = bytes
        .checked_sub(10)
        .and_then(|end| end.checked_sub(footer_bytes));
    file.seek(SeekFrom::Start(begin.ok_or_else(damaged)?))?;
    let mut footer = Vec::new();
    file.take(footer_bytes).read_to_end(&mut footer)?;
    let footer = root_as_footer(&footer).map_err(|_| damaged())?;
    let lists = [footer.recordBatches(), footer.dictionaries()];
    let mut blocks = lists.into_iter().flatten().flatten();
    if !blocks.all(|block| is_within(block, bytes)) {
        return Err(damaged().into());
    }
    file.rewind()?;
    Ok(())
}

fn is_within(block: &Block, bytes: u64) -> bool {
    let parts = [
        block.offset(),
        block.metaDataLength().into(),
        block.bodyLength(),
    ];
    let mut parts = parts.into_iter().map(u64::try_from);
    let end = parts.try_fold(0_u64, |end, part| end.checked_add(part.ok()?));
    end.is_some_and(|end| end <= bytes)
}

/// Messages that are passed on when their lengths have been looked at.
struct Messages<R> {
    source: R,
    max_bytes: u64,
    /// The head of a message, as far as it has not been passed on.
    ready: Cursor<Vec<u8>>,
    /// How many bytes of the message's body follow.
    body: u64,
    /// Whether the stream has said that it ends.
    has_ended: bool,
}

impl<R: Read> Messages<R> {
    /// Reads the head of the next message. Behind the last one a stream says that it ends: one that
    /// does not has been cut off, though it may be between two messages.
    fn next(&mut self) -> io::Result<()> {
        if self.has_ended {
            self.ready = Cursor::new(Vec::new());
            return Ok(());
        }
        let mut bytes = head(&mut self.source)?;
        let length = match bytes.last_chunk() {
            Some(&length) if bytes.len() == HEAD => u32::from_le_bytes(length),
            _ => return Err(cut()),
        };
        if !bytes.starts_with(&CONTINUATION) || length > MAX_HEAD_BYTES {
            return Err(damaged());
        }
        self.has_ended = length == 0;
        if self.has_ended {
            self.check_end()?;
        } else {
            self.read_message(length, &mut bytes)?;
        }
        self.ready = Cursor::new(bytes);
        Ok(())
    }

    fn read_message(&mut self, length: u32, bytes: &mut Vec<u8>) -> io::Result<()> {
        let source = &mut self.source;
        let read = source.take(length.into()).read_to_end(bytes)?;
        if u32::try_from(read).ok() != Some(length) {
            return Err(cut());
        }
        self.body = body_bytes(bytes.get(HEAD..).unwrap_or_default())?;
        if self.body <= self.max_bytes {
            return Ok(());
        }
        // Longer than the whole file, where that has a length.
        Err(if self.max_bytes < MAX_PIPED_BYTES {
            cut()
        } else {
            damaged()
        })
    }

    /// What follows, such as another stream, would get lost.
    fn check_end(&mut self) -> io::Result<()> {
        let read = (&mut self.source).take(1).read_to_end(&mut Vec::new())?;
        if read > 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, BEHIND_END));
        }
        Ok(())
    }
}

fn body_bytes(message: &[u8]) -> io::Result<u64> {
    let message = root_as_message(message).map_err(|_| damaged())?;
    u64::try_from(message.bodyLength()).map_err(|_| damaged())
}

impl<R: Read> Read for Messages<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.ready.read(out)?;
        if read > 0 || out.is_empty() {
            return Ok(read);
        }
        if self.body > 0 {
            let read = (&mut self.source).take(self.body).read(out)?;
            if read == 0 {
                return Err(cut());
            }
            self.body -= u64::try_from(read).unwrap_or(self.body);
            return Ok(read);
        }
        self.next()?;
        self.ready.read(out)
    }
}

/// The first bytes, or all if there are fewer.
fn head(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD);
    source.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(head)
}

fn damaged() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "it is damaged, and cannot be read",
    )
}

const ARROW_MAGIC: &[u8] = b"ARROW1";
/// What each message of a stream begins with, before its length of 4 bytes.
const CONTINUATION: [u8; 4] = [0xff; 4];
const HEAD: usize = 8;
const HEAD_BYTES: u64 = 8;
const BEHIND_END: &str = "more follows behind the end of its stream, as where two streams were written into \
    one file: load each by itself";
/// A schema, or where the parts of a batch are.
const MAX_HEAD_BYTES: u32 = 64 << 20;
