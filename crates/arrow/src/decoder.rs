use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use otaria_codec::{ColumnDefinition, InvalidPacket};

use crate::block::{BLOCK_ROWS, Block, RowFault, RowHead, packet};
use crate::cell::Fault;
use crate::column::{Column, FinishError};
use crate::options::BatchLimits;
use crate::schema::{Mapped, crs, map};
use crate::{ArrowOptions, ColumnLabel, DecodeError, RowForm, metadata};

/// Makes record batches of the rows of one result set.
///
/// [`decode`](Self::decode) takes rows until the batch is full, and [`flush`](Self::flush) gives it.
/// All batches have the same schema.
pub struct RecordBatchDecoder {
    columns: Vec<Box<dyn Column>>,
    labels: Vec<ColumnLabel>,
    schema: SchemaRef,
    /// The columns of geometries whose SRID is not known yet.
    open_geometries: Vec<usize>,
    limits: BatchLimits,
    head: RowHead,
    /// The NULL-bitmaps of a block, kept for its memory.
    nulls: Vec<u8>,
    /// How many rows came before this batch, and how many have come in all.
    rows_before: u64,
    rows_taken: u64,
    batch_rows: u32,
    batch_bytes: usize,
}

impl RecordBatchDecoder {
    /// A decoder for rows of these columns.
    ///
    /// # Errors
    /// [`DecodeError::Column`] and [`DecodeError::UnknownColumn`] if the options ask of a column what
    /// it cannot be.
    pub fn try_new(
        columns: &[ColumnDefinition],
        options: &ArrowOptions,
    ) -> Result<Self, DecodeError> {
        let is_there = |name: &str| columns.iter().any(|column| column.name() == name);
        if let Some((name, _)) = options.columns.iter().find(|(name, _)| !is_there(name)) {
            return Err(DecodeError::UnknownColumn { name: name.clone() });
        }
        let labels = columns.iter().enumerate();
        let labels: Vec<_> = labels
            .map(|(index, column)| ColumnLabel::new(index, column))
            .collect();
        let (mut fields, mut decoders) = (Vec::new(), Vec::new());
        for (definition, label) in columns.iter().zip(&labels) {
            let Mapped { field, column } =
                map(definition, options).map_err(|reason| DecodeError::Column {
                    column: Box::new(label.clone()),
                    reason,
                })?;
            fields.push(field);
            decoders.push(column);
        }
        let is_open = |(index, field): (usize, &Field)| {
            let extension = field.metadata().get(metadata::EXTENSION_NAME);
            let is_wkb = extension.is_some_and(|name| name == "geoarrow.wkb");
            let column = decoders.get_mut(index)?;
            (is_wkb && column.srid(false).is_none()).then_some(index)
        };
        Ok(Self {
            open_geometries: fields.iter().enumerate().filter_map(is_open).collect(),
            columns: decoders,
            labels,
            schema: Arc::new(Schema::new(fields)),
            limits: options.limits,
            head: RowHead::new(columns.len()),
            nulls: Vec::new(),
            rows_before: 0,
            rows_taken: 0,
            batch_rows: 0,
            batch_bytes: 0,
        })
    }

    /// The schema of all batches.
    ///
    /// Where [`is_schema_final`](Self::is_schema_final) does not hold yet, the metadata of a column of
    /// geometries may still get a reference system.
    pub const fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Whether the schema is that of the batches. It is from the beginning, unless there is a column
    /// of geometries whose SRID the options do not name: it is that of the first geometry, or none
    /// if the first batch has no geometry.
    pub const fn is_schema_final(&self) -> bool {
        self.open_geometries.is_empty()
    }

    /// Takes rows, whose payloads are in this form, until there are no more or the batch is full;
    /// returns how many. Payloads that are not taken are still in the iterator (if it has been lent
    /// by `by_ref`).
    ///
    /// # Errors
    /// [`DecodeError::InvalidRow`] and [`DecodeError::Cell`]. The rows of the batch that was begun
    /// are lost then, those of the batches before it are not touched.
    pub fn decode<'a>(
        &mut self,
        form: RowForm,
        payloads: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<usize, DecodeError> {
        let mut payloads = payloads.into_iter().fuse();
        let mut rests: [&'a [u8]; BLOCK_ROWS] = [&[]; BLOCK_ROWS];
        let mut whole: [&'a [u8]; BLOCK_ROWS] = [&[]; BLOCK_ROWS];
        let mut taken = 0;
        while !self.is_full() {
            let rows = self
                .gather(form, &mut payloads, (&mut rests, &mut whole))
                .map_err(|(row, invalid)| {
                    self.rows_taken += u64::try_from(row + 1).unwrap_or_default();
                    self.invalid_row(row, invalid)
                })?;
            if rows == 0 {
                break;
            }
            taken += rows;
            self.rows_taken += u64::try_from(rows).unwrap_or_default();
            let nulls = std::mem::take(&mut self.nulls);
            let mut block = Block {
                form,
                rests: rests.get_mut(..rows).unwrap_or_default(),
                payloads: whole.get(..rows).unwrap_or_default(),
                nulls: &nulls,
                first_row: self.batch_rows,
                column: 0,
            };
            let decoded = self.decode_block(&mut block);
            self.nulls = nulls;
            decoded?;
        }
        Ok(taken)
    }

    /// How many rows the batch has so far.
    pub fn rows(&self) -> usize {
        usize::try_from(self.batch_rows).unwrap_or(usize::MAX)
    }

    /// Whether the batch has as many rows, or bytes, as the options allow.
    pub const fn is_full(&self) -> bool {
        self.batch_rows >= self.limits.rows || self.batch_bytes >= self.limits.bytes
    }

    /// The batch, or `None` if it has no rows. The next one begins.
    ///
    /// # Errors
    /// [`DecodeError::Cell`] if text is not UTF-8. The batch is lost then.
    pub fn flush(&mut self) -> Result<Option<RecordBatch>, DecodeError> {
        let rows = self.rows();
        if rows == 0 {
            return Ok(None);
        }
        self.settle_geometries(true);
        let mut arrays = Vec::with_capacity(self.columns.len());
        for index in 0..self.columns.len() {
            let Some(column) = self.columns.get_mut(index) else {
                break;
            };
            match column.finish(rows) {
                Ok(array) => arrays.push(array),
                Err(FinishError::Arrow(error)) => {
                    self.clear();
                    return Err(error.into());
                }
                Err(FinishError::Row(fault)) => return Err(self.cell_error(index, fault)),
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = Arc::clone(&self.schema);
        self.next_batch();
        let batch = RecordBatch::try_new_with_options(schema, arrays, &options)?;
        Ok(Some(batch))
    }

    /// How many values of all rows so far have become NULL because the options say so: dates that no
    /// calendar has, and times that are none of a day.
    pub fn values_made_null(&self) -> u64 {
        self.columns.iter().map(|column| column.made_null()).sum()
    }

    /// Takes up to a block of rows; stops behind the one that fills the batch.
    fn gather<'a>(
        &mut self,
        form: RowForm,
        payloads: &mut impl Iterator<Item = &'a [u8]>,
        (rests, whole): (&mut [&'a [u8]; BLOCK_ROWS], &mut [&'a [u8]; BLOCK_ROWS]),
    ) -> Result<usize, (usize, InvalidPacket)> {
        self.nulls.clear();
        let mut bytes = self.batch_bytes;
        let room = self.limits.rows.saturating_sub(self.batch_rows);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let mut rows = 0;
        for (rest, whole) in rests.iter_mut().zip(whole).take(room) {
            if bytes >= self.limits.bytes {
                break;
            }
            let Some(payload) = payloads.next() else {
                break;
            };
            bytes = bytes.saturating_add(payload.len());
            *whole = payload;
            *rest = match form {
                RowForm::Text => payload,
                RowForm::Binary => {
                    let (rest, has_null) = self
                        .head
                        .split(payload)
                        .map_err(|invalid| (rows, invalid))?;
                    if has_null {
                        self.head.gather(payload, &mut self.nulls);
                    }
                    rest
                }
            };
            rows += 1;
        }
        self.batch_bytes = bytes;
        Ok(rows)
    }

    fn decode_block(&mut self, block: &mut Block<'_, '_>) -> Result<(), DecodeError> {
        let null_bytes = decode_columns(&mut self.columns, block)
            .map_err(|(column, fault)| self.cell_error(column, fault))?;
        let mut rests = block.rests.iter().enumerate();
        if let Some((row, rest)) = rests.find(|(_, rest)| !rest.is_empty()) {
            let (packet, bytes) = (packet(block.form), rest.len());
            return Err(self.invalid_row(row, InvalidPacket::TrailingData { packet, bytes }));
        }
        self.batch_rows = block.place(block.rests.len());
        self.batch_bytes = self.batch_bytes.saturating_add(null_bytes);
        if !self.open_geometries.is_empty() {
            self.settle_geometries(false);
        }
        Ok(())
    }

    /// Names the reference systems that have become known; all of them, if the batch ends.
    fn settle_geometries(&mut self, all: bool) {
        let open = std::mem::take(&mut self.open_geometries);
        for index in open {
            match self
                .columns
                .get_mut(index)
                .and_then(|column| column.srid(all))
            {
                Some(srid) => self.name_crs(index, srid),
                None => self.open_geometries.push(index),
            }
        }
    }

    fn name_crs(&mut self, column: usize, srid: u32) {
        let fields = self.schema.fields().iter().enumerate();
        let fields = fields.map(|(index, field)| {
            if index != column {
                return Arc::clone(field);
            }
            let known = field.metadata().iter();
            let mut metadata: HashMap<String, String> = known
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            metadata.insert(metadata::EXTENSION_METADATA.into(), crs(srid));
            Arc::new(field.as_ref().clone().with_metadata(metadata))
        });
        self.schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    }

    fn next_batch(&mut self) {
        self.rows_before = self.rows_taken;
        self.batch_rows = 0;
        self.batch_bytes = 0;
    }

    /// Drops the batch that was begun.
    fn clear(&mut self) {
        for column in &mut self.columns {
            column.clear();
        }
        self.next_batch();
    }

    #[cold]
    fn invalid_row(&mut self, row_of_block: usize, invalid: InvalidPacket) -> DecodeError {
        let row = self.rows_before
            + u64::from(self.batch_rows)
            + u64::try_from(row_of_block).unwrap_or_default();
        self.clear();
        DecodeError::InvalidRow { row, invalid }
    }

    #[cold]
    fn cell_error(&mut self, column: usize, RowFault { row, fault }: RowFault) -> DecodeError {
        let invalid = |invalid| DecodeError::InvalidRow {
            row: self.rows_before + u64::from(row),
            invalid,
        };
        let error = match (fault, self.labels.get(column)) {
            (Fault::Cell(reason), Some(label)) => DecodeError::Cell {
                row: self.rows_before + u64::from(row),
                column: Box::new(label.clone()),
                reason,
            },
            (Fault::LengthPrefix, _) => invalid(InvalidPacket::LengthPrefix {
                packet: ROW,
                found: 0xff,
            }),
            _ => invalid(InvalidPacket::Truncated {
                packet: ROW,
                missing: 1,
            }),
        };
        self.clear();
        error
    }
}

/// Decodes a block column by column; returns how many bytes its NULLs take. An error comes with its
/// column.
fn decode_columns(
    columns: &mut [Box<dyn Column>],
    block: &mut Block<'_, '_>,
) -> Result<usize, (usize, RowFault)> {
    let mut null_bytes = 0_usize;
    for (index, column) in columns.iter_mut().enumerate() {
        block.column = index;
        let before = column.null_bytes();
        column.decode(block).map_err(|fault| (index, fault))?;
        null_bytes = null_bytes.saturating_add(column.null_bytes() - before);
    }
    Ok(null_bytes)
}

/// Shows the names of the columns and how many rows there are, not the values.
impl fmt::Debug for RecordBatchDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.labels.iter().map(ColumnLabel::name).collect();
        f.debug_struct("RecordBatchDecoder")
            .field("columns", &names)
            .field("rows", &self.batch_rows)
            .finish_non_exhaustive()
    }
}

/// The packet's name in errors.
const ROW: &str = "result set row";
