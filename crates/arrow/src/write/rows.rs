use std::fmt;
use std::sync::Arc;

use arrow::datatypes::Fields;
use otaria_types::{
    Date, DateTime, Decimal, ParameterSink, Params, ParamsError, SessionTimeZone, Time,
};

use super::cells::Cells;
use super::{CellRefusal, FieldLabel, WriteError};

/// The rows of one batch, ready to be written: made by [`WritePlan::rows`](super::WritePlan::rows).
pub struct BatchRows {
    columns: Box<[Cells]>,
    fields: Fields,
    first_row: u64,
    len: usize,
}

impl BatchRows {
    pub(crate) const fn new(
        columns: Box<[Cells]>,
        fields: Fields,
        first_row: u64,
        len: usize,
    ) -> Self {
        Self {
            columns,
            fields,
            first_row,
            len,
        }
    }

    /// How many rows there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of the first row, from 0, counted over all batches.
    pub const fn first_row(&self) -> u64 {
        self.first_row
    }

    /// How many values are written other than they are, as the options allow it: NULL for a number that
    /// is not finite, or with digits of a second cut. It looks at each value of such columns.
    pub fn changed_values(&self) -> u64 {
        self.columns
            .iter()
            .map(|cells| cells.changed(self.len))
            .sum()
    }

    /// Says what is wrong with a cell that could not be written, in a session of this zone; `None` if
    /// nothing is.
    pub fn refusal(&self, row: usize, column: usize, zone: SessionTimeZone) -> Option<WriteError> {
        let mut nowhere = Nowhere { written: 0, zone };
        let refusal = self.columns.get(column)?.write(row, &mut nowhere).err()?;
        Some(self.cell_error(row, column, refusal))
    }

    /// Writes a row. An error comes with the place of its column.
    #[inline]
    pub(crate) fn write_row<S: ParameterSink>(
        &self,
        row: usize,
        out: &mut S,
    ) -> Result<(), (usize, CellRefusal)> {
        for (index, cells) in self.columns.iter().enumerate() {
            if let Err(refusal) = cells.write(row, out) {
                return Err((index, refusal));
            }
        }
        Ok(())
    }

    pub(crate) fn cell_error(&self, row: usize, column: usize, reason: CellRefusal) -> WriteError {
        let row = u64::try_from(row).unwrap_or(u64::MAX);
        let row = self.first_row.saturating_add(row);
        match self.fields.get(column) {
            Some(field) => WriteError::Cell {
                row,
                column: Box::new(FieldLabel::new(column, field)),
                reason,
            },
            None => WriteError::Schema { row },
        }
    }
}

/// Shows how much there is and no value.
impl fmt::Debug for BatchRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, columns) = (self.len, self.columns.len());
        write!(f, "BatchRows({rows} rows, {columns} columns)")
    }
}

/// A row of a batch, as the parameters of a statement in the order of the columns.
#[derive(Clone, Debug)]
pub struct BatchRow {
    rows: Arc<BatchRows>,
    row: usize,
}

impl BatchRow {
    /// The row of `rows` at `row`, from 0; `None` if there are not so many.
    #[inline]
    pub fn new(rows: &Arc<BatchRows>, row: usize) -> Option<Self> {
        (row < rows.len).then(|| Self {
            rows: Arc::clone(rows),
            row,
        })
    }
}

impl Params for BatchRow {
    #[inline]
    fn len(&self) -> usize {
        self.rows.columns.len()
    }

    #[inline]
    fn write<S: ParameterSink>(&self, out: &mut S) -> Result<(), ParamsError> {
        let written = self.rows.write_row(self.row, out);
        written.map_err(|(index, refusal)| refused(index, refusal))
    }

    #[inline]
    fn write_at<S: ParameterSink>(&self, index: usize, out: &mut S) -> Result<(), ParamsError> {
        let len = self.rows.columns.len();
        let cells = self.rows.columns.get(index);
        let cells = cells.ok_or(ParamsError::NoParameter { index, len })?;
        let written = cells.write(self.row, out);
        written.map_err(|refusal| refused(index, refusal))
    }
}

#[cold]
fn refused(index: usize, refusal: CellRefusal) -> ParamsError {
    let error = refusal.into();
    ParamsError::Parameter { index, error }
}

/// Takes values and keeps none.
struct Nowhere {
    written: usize,
    zone: SessionTimeZone,
}

macro_rules! dropped {
    ($($method:ident($($type:ty)?);)+) => {$(
        fn $method(&mut self $(, _: $type)?) {
            self.written += 1;
        }
    )+};
}

impl ParameterSink for Nowhere {
    dropped! {
        null();
        int(i64);
        uint(u64);
        float(f32);
        double(f64);
        decimal(&Decimal);
        text(&str);
        bytes(&[u8]);
        date(Date);
        datetime(DateTime);
        time(Time);
    }

    fn time_zone(&self) -> SessionTimeZone {
        self.zone
    }

    fn len(&self) -> usize {
        self.written
    }
}
