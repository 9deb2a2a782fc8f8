use std::any::type_name;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use otaria_binary::BinaryRow;
use otaria_codec::{ColumnDefinition, InvalidPacket, WholePackets};
use otaria_text::TextRow;
use otaria_types::{CellError, Columns, FromRow, FromRowError, FromSql, RowContext, RowReader};

use crate::error::ColumnError;
use crate::{Error, PacketRange};

/// A row, lent out of the receive buffer: it lives until the next one is asked for.
/// [`to_owned`](Self::to_owned) keeps it.
///
/// Nothing is decoded before it is asked for. Reading columns from left to right costs one walk
/// over the row; going back begins the walk again.
pub struct Row<'r> {
    payload: &'r [u8],
    columns: &'r Arc<Columns>,
    form: RowForm,
    /// The cell after the one read last: its column in the high half, its offset in the low half.
    /// A hint that only saves walking, so it need not be in order with anything.
    next_cell: AtomicU64,
}

/// How the rows of a result set are written, and what their values mean in the session.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct RowForm {
    pub(crate) is_binary: bool,
    pub(crate) context: RowContext,
}

impl<'r> Row<'r> {
    #[inline]
    pub(crate) const fn new(payload: &'r [u8], columns: &'r Arc<Columns>, form: RowForm) -> Self {
        Self {
            payload,
            columns,
            form,
            next_cell: AtomicU64::new(0),
        }
    }

    /// The columns, in order.
    pub fn columns(&self) -> &'r [ColumnDefinition] {
        self.columns
    }

    /// How many columns there are.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there are no columns; no row of a server is.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Reads one value, by its index from 0 or by the exact name of its column (the first one of
    /// that name).
    ///
    /// # Errors
    /// [`Error::UnknownColumn`], [`Error::FromSql`] if the value does not fit `T`, and
    /// [`Error::InvalidRow`] if the row is cut.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers write `get(0)` and `get(\"name\")`"
    )]
    pub fn get<T: FromSql<'r>>(&self, column: impl ColumnIndex) -> Result<T, Error> {
        let found = column.find(self.columns);
        let found = found.and_then(|index| Some((index, self.columns.get(index)?)));
        let (index, definition) = found.ok_or_else(|| Error::UnknownColumn {
            column: column.name(),
            columns: self.columns.len(),
        })?;
        self.value(index, definition).map_err(|error| match error {
            CellError::InvalidPacket(invalid) => Error::InvalidRow(invalid),
            CellError::FromSql(source) => {
                let rust_type = type_name::<T>();
                Error::FromSql(Box::new(ColumnError::new(
                    index, definition, rust_type, source,
                )))
            }
        })
    }

    /// Reads the whole row, such as a tuple with a type for each column.
    ///
    /// # Errors
    /// [`Error::ColumnCount`] if `T` has another number of columns, [`Error::FromSql`] if a value
    /// does not fit, and [`Error::InvalidRow`] if the row is cut.
    #[inline]
    pub fn read<T: FromRow<'r>>(&self) -> Result<T, Error> {
        match T::plan(self.columns) {
            Ok(plan) => self.read_by(&plan),
            Err(error) => Err(row_error(error, self.columns)),
        }
    }

    /// The same, by a plan that was made for the columns.
    #[inline]
    pub(crate) fn read_by<T: FromRow<'r>>(&self, plan: &T::Plan) -> Result<T, Error> {
        let read = if self.form.is_binary {
            self.read_as::<T, BinaryRow<'r>>(plan)
        } else {
            self.read_as::<T, TextRow<'r>>(plan)
        };
        read.map_err(|error| row_error(error, self.columns))
    }

    #[inline]
    fn read_as<T: FromRow<'r>, R: RowReader<'r>>(&self, plan: &T::Plan) -> Result<T, FromRowError> {
        let row = R::new(self.payload, self.columns.len())?;
        T::from_row(&mut row.with_context(self.form.context), self.columns, plan)
    }

    /// Copies the row, to keep it.
    pub fn to_owned(&self) -> OwnedRow {
        OwnedRow {
            payload: self.payload.into(),
            columns: Arc::clone(self.columns),
            form: self.form,
        }
    }

    fn value<T: FromSql<'r>>(
        &self,
        index: usize,
        definition: &ColumnDefinition,
    ) -> Result<T, CellError> {
        if self.form.is_binary {
            self.value_as::<T, BinaryRow<'r>>(index, definition)
        } else {
            self.value_as::<T, TextRow<'r>>(index, definition)
        }
    }

    fn value_as<T: FromSql<'r>, R: RowReader<'r>>(
        &self,
        index: usize,
        definition: &ColumnDefinition,
    ) -> Result<T, CellError> {
        let mut reader = self.reader_at::<R>(index)?;
        let value = reader.read(definition);
        if !matches!(value, Err(CellError::InvalidPacket(_))) {
            self.remember(index + 1, reader.position());
        }
        value
    }

    fn reader_at<R: RowReader<'r>>(&self, index: usize) -> Result<R, InvalidPacket> {
        let hint = self.next_cell.load(Ordering::Relaxed);
        let (mut column, offset) = (half(hint >> 32), half(hint & LOW_HALF));
        if column > index {
            column = 0;
        }
        let mut reader = if column == 0 {
            R::new(self.payload, self.columns.len())?
        } else {
            R::at(self.payload, offset, column)?
        };
        for definition in self.columns.get(column..index).unwrap_or_default() {
            reader.skip(definition)?;
        }
        Ok(reader.with_context(self.form.context))
    }

    fn remember(&self, column: usize, offset: usize) {
        // A payload too long for the hint is walked from its beginning.
        if let (Ok(column), Ok(offset)) = (u32::try_from(column), u32::try_from(offset)) {
            let hint = u64::from(column) << 32 | u64::from(offset);
            self.next_cell.store(hint, Ordering::Relaxed);
        }
    }
}

#[cold]
fn row_error(error: FromRowError, columns: &Columns) -> Error {
    match error {
        FromRowError::ColumnCount { expected, found } => Error::ColumnCount { expected, found },
        FromRowError::MissingColumn { name, columns } => Error::UnknownColumn {
            column: name.name(),
            columns,
        },
        FromRowError::InvalidPacket(invalid) => Error::InvalidRow(invalid),
        FromRowError::Column {
            index,
            rust_type,
            error: source,
        } => {
            let unknown = ColumnDefinition::new("", otaria_codec::FieldType::Null);
            let definition = columns.get(index).unwrap_or(&unknown);
            Error::FromSql(Box::new(ColumnError::new(
                index, definition, rust_type, source,
            )))
        }
    }
}

fn half(hint: u64) -> usize {
    usize::try_from(hint).unwrap_or_default()
}

const LOW_HALF: u64 = 0xffff_ffff;

impl Clone for Row<'_> {
    fn clone(&self) -> Self {
        Self::new(self.payload, self.columns, self.form)
    }
}

/// Shows the columns' names and the row's length, not its values.
impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.columns.iter().map(ColumnDefinition::name).collect();
        f.debug_struct("Row")
            .field("columns", &names)
            .field("bytes", &self.payload.len())
            .finish()
    }
}

/// The rows that one read has brought, lent out of the receive buffer.
///
/// It ends where the rows that have been received end, whatever follows them. Rows that are not
/// taken out of it are in the next chunk.
pub struct Chunk<'r> {
    /// Comes before the packets.
    first: Option<&'r [u8]>,
    /// The same, for the session, as long as it has not been taken.
    lent: &'r mut Option<PacketRange>,
    packets: WholePackets<'r>,
    columns: &'r Arc<Columns>,
    form: RowForm,
}

impl<'r> Chunk<'r> {
    pub(crate) const fn new(
        first: &'r [u8],
        lent: &'r mut Option<PacketRange>,
        packets: WholePackets<'r>,
        (columns, form): (&'r Arc<Columns>, RowForm),
    ) -> Self {
        Self {
            first: Some(first),
            lent,
            packets,
            columns,
            form,
        }
    }

    /// The columns, in order.
    pub fn columns(&self) -> &'r [ColumnDefinition] {
        self.columns
    }

    /// Reads each of the rows as `T`, like [`Row::read`], but looks at the columns only once.
    ///
    /// # Errors
    /// Those of [`Row::read`] that concern the columns.
    pub fn read<T: FromRow<'r>>(
        self,
    ) -> Result<impl Iterator<Item = Result<T, Error>> + use<'r, T>, Error> {
        let plan = T::plan(self.columns).map_err(|error| row_error(error, self.columns))?;
        Ok(self.map(move |row| row.read_by::<T>(&plan)))
    }

    /// The rows' payloads as they came, for a decoder of one's own. In which of the two forms they
    /// are is for what lends the chunk to say.
    ///
    /// ```
    /// # fn bytes(chunk: otaria_session::Chunk<'_>) -> usize {
    /// chunk.payloads().map(<[u8]>::len).sum()
    /// # }
    /// ```
    pub const fn payloads(self) -> Payloads<'r> {
        Payloads { chunk: self }
    }

    #[inline]
    fn next_payload(&mut self) -> Option<&'r [u8]> {
        match self.first.take() {
            Some(first) => {
                *self.lent = None;
                Some(first)
            }
            // An ERR, and what ends the rows. The first cell of a text row may begin with 0xfe, too.
            None => self.packets.next_if(|first| first < 0xfe),
        }
    }
}

impl<'r> Iterator for Chunk<'r> {
    type Item = Row<'r>;

    #[inline]
    fn next(&mut self) -> Option<Row<'r>> {
        let payload = self.next_payload()?;
        Some(Row::new(payload, self.columns, self.form))
    }
}

/// The payloads of the rows of a [`Chunk`], lent out of the receive buffer. What is not taken is in
/// the next chunk.
#[derive(Debug)]
pub struct Payloads<'r> {
    chunk: Chunk<'r>,
}

impl<'r> Iterator for Payloads<'r> {
    type Item = &'r [u8];

    #[inline]
    fn next(&mut self) -> Option<&'r [u8]> {
        self.chunk.next_payload()
    }
}

impl fmt::Debug for Chunk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.packets.fmt(f)
    }
}

/// A row with memory of its own.
#[derive(Clone)]
pub struct OwnedRow {
    payload: Box<[u8]>,
    columns: Arc<Columns>,
    form: RowForm,
}

impl OwnedRow {
    /// The row, lent.
    pub fn as_row(&self) -> Row<'_> {
        Row::new(&self.payload, &self.columns, self.form)
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[ColumnDefinition] {
        &self.columns
    }

    /// Reads one value, like [`Row::get`].
    ///
    /// # Errors
    /// Those of [`Row::get`].
    pub fn get<'r, T: FromSql<'r>>(&'r self, column: impl ColumnIndex) -> Result<T, Error> {
        self.as_row().get(column)
    }

    /// Reads the whole row, like [`Row::read`].
    ///
    /// # Errors
    /// Those of [`Row::read`].
    pub fn read<'r, T: FromRow<'r>>(&'r self) -> Result<T, Error> {
        self.as_row().read()
    }
}

impl fmt::Debug for OwnedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_row().fmt(f)
    }
}

/// What finds a column in a row: an index from 0, or a name.
pub trait ColumnIndex: sealed::Sealed {
    /// The column's index in `columns`.
    #[doc(hidden)]
    fn find(&self, columns: &[ColumnDefinition]) -> Option<usize>;

    /// What an error calls the column.
    #[doc(hidden)]
    fn name(&self) -> String;
}

impl ColumnIndex for usize {
    fn find(&self, columns: &[ColumnDefinition]) -> Option<usize> {
        (*self < columns.len()).then_some(*self)
    }

    fn name(&self) -> String {
        self.to_string()
    }
}

impl ColumnIndex for &str {
    fn find(&self, columns: &[ColumnDefinition]) -> Option<usize> {
        columns.iter().position(|column| column.name() == *self)
    }

    fn name(&self) -> String {
        format!("`{self}`")
    }
}

impl ColumnIndex for &String {
    fn find(&self, columns: &[ColumnDefinition]) -> Option<usize> {
        ColumnIndex::find(&self.as_str(), columns)
    }

    fn name(&self) -> String {
        ColumnIndex::name(&self.as_str())
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "only the types here may be column indexes")]
    pub trait Sealed {}

    impl Sealed for usize {}
    impl Sealed for &str {}
    impl Sealed for &String {}
}
