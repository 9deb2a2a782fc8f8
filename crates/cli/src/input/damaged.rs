//! Files that are damaged in a way that the libraries which read them do not expect.

use std::cell::Cell;
use std::io;
use std::panic::{self, AssertUnwindSafe, catch_unwind};

use arrow::error::ArrowError;

thread_local! {
    static READS: Cell<bool> = const { Cell::new(false) };
}

/// What `read` comes to; an error if it panics. Nothing of what it has used is to be used again then.
pub(super) fn caught<T>(read: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, ArrowError> {
    READS.set(true);
    let read = catch_unwind(AssertUnwindSafe(read));
    READS.set(false);
    read.unwrap_or_else(|_| Err(ArrowError::ParseError(DAMAGED.to_owned())))
}

/// A file whose end is missing. The readers take `UnexpectedEof` for an end in order now and then.
pub(super) fn cut() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "its end is missing: it was cut off, or has not been written to its end",
    )
}

/// Panics are told as before, but for those that are caught here.
pub(crate) fn keep_quiet() {
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !READS.get() {
            tell(panic);
        }
    }));
}

const DAMAGED: &str = "it is damaged, and cannot be read";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_and_what_is_read_comes_back() {
        keep_quiet();
        assert_eq!(caught(|| Ok(7)).unwrap(), 7);
        let error = caught::<()>(|| panic!("index out of bounds")).unwrap_err();
        assert!(error.to_string().contains(DAMAGED), "{error}");
        assert!(!READS.get());
    }
}
