use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use otaria_arrow::write::LoadDataText;
use tokio::io::{AsyncRead, ReadBuf};

use super::InsertErrorKind;
use super::input::{Next, Rows};

/// The rows as a file, of which only a piece is there at a time.
pub(super) struct Text<'r, 'i, 'a> {
    rows: &'r mut Rows<'i, 'a>,
    piece: LoadDataText,
    /// How much of the piece has been read.
    read: usize,
}

impl<'r, 'i, 'a> Text<'r, 'i, 'a> {
    pub(super) const fn new(rows: &'r mut Rows<'i, 'a>, piece: LoadDataText) -> Self {
        Self {
            rows,
            piece,
            read: 0,
        }
    }

    /// Writes the next piece; nothing at the end.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.piece.clear();
        self.read = 0;
        while self.piece.as_bytes().len() < PIECE_BYTES {
            let next = match self.rows.poll_rows(context) {
                Poll::Ready(Ok(next)) => next,
                Poll::Ready(Err(failed)) => return Poll::Ready(Err(io::Error::other(failed))),
                Poll::Pending if self.piece.as_bytes().is_empty() => return Poll::Pending,
                Poll::Pending => break,
            };
            let Some(Next {
                rows: batch,
                row: first,
            }) = next
            else {
                break;
            };
            let mut row = first;
            while row < batch.len() && self.piece.as_bytes().len() < PIECE_BYTES {
                if let Err(error) = self.piece.push(&batch, row) {
                    self.rows.input.failure = Some(InsertErrorKind::Write(error));
                    return Poll::Ready(Err(io::Error::other("a row cannot be written")));
                }
                row += 1;
            }
            self.rows.take(row - first);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Text<'_, '_, '_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read == self.piece.as_bytes().len() {
            ready!(self.poll_piece(context))?;
        }
        let rest = self.piece.as_bytes().get(self.read..).unwrap_or_default();
        let piece = rest.get(..buffer.remaining()).unwrap_or(rest);
        buffer.put_slice(piece);
        self.read += piece.len();
        Poll::Ready(Ok(()))
    }
}

/// How much is written at a time, but for the last row.
const PIECE_BYTES: usize = 64 * 1024;
