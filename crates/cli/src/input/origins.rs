use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Which rows are of which file, as far as files have been read. Copies know the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins {
    /// Each file, and its first row, from 0 over all files.
    files: Arc<Mutex<Vec<(u64, PathBuf)>>>,
}

impl Origins {
    /// The next file begins with this row.
    pub(super) fn begin(&self, first_row: u64, path: PathBuf) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.push((first_row, path));
    }

    /// What a row is called, which is counted from 0 over all files: the file, and its place there,
    /// from 1.
    pub(crate) fn row(&self, row: u64) -> String {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = files.iter().rev();
        match before.find(|(first_row, _)| *first_row <= row) {
            Some((first_row, path)) => format!("{}: row {}", path.display(), row - first_row + 1),
            None => format!("row {}", row + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_named_by_its_file_and_its_place_there_from_1() {
        let origins = Origins::default();
        assert_eq!(origins.row(0), "row 1");
        origins.begin(0, "a.csv".into());
        // A file without rows.
        origins.begin(10, "none.csv".into());
        origins.begin(10, "b.csv".into());
        assert_eq!(origins.row(9), "a.csv: row 10");
        assert_eq!(origins.row(10), "b.csv: row 1");
    }
}
