use std::sync::OnceLock;

use otaria_codec::ColumnDefinition;

use super::Cell;
use crate::{Columns, FromRow, FromRowError, RowReader};

/// A type that takes columns by their names, so that another one that does may contain it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be flattened into a struct that is read by name",
    label = "no struct that derives `FromRow` by name",
    note = "tuples, and structs with `#[otaria(by_position)]`, can be flattened into structs that \
            are read by position"
)]
pub trait ByName<'a>: FromRow<'a> {
    /// The fields that have been read of one row.
    type Partial;

    /// No field.
    fn nothing() -> Self::Partial;

    /// Reads `cell` from the row, which stands before it, if a field takes it, and says whether one
    /// does.
    ///
    /// # Errors
    /// [`FromRowError`] if the cell does not convert, or the row is cut.
    fn take<R: RowReader<'a>>(
        partial: &mut Self::Partial,
        plan: &Self::Plan,
        cell: Cell<'a>,
        row: &mut R,
    ) -> Result<bool, FromRowError>;

    /// Puts the fields together, after the last of the `columns` has been read.
    ///
    /// # Errors
    /// [`FromRowError::MissingColumn`] if a field has no column and needs one.
    fn complete(partial: Self::Partial, columns: &Columns) -> Result<Self, FromRowError>;
}

/// A field that takes the first column of its name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NamedField {
    /// The column's name.
    pub name: &'static str,
    /// Whether the row must have it.
    pub is_required: bool,
}

/// Which columns the `N` fields of a type take by their names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NamedPlan<const N: usize>(Order<N>);

/// How the columns stand to the fields.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Order<const N: usize> {
    /// In their order, and each has just the cells that its field reads.
    Exact,
    /// In their order, one for each.
    Same,
    /// In some other order, or some are missing, or there are others among them: those of the fields
    /// that have columns, in column order.
    Other([Slot; N]),
}

/// A column, and the field that takes it. The greatest number stands for none: the index of a column
/// is less.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Slot {
    column: u16,
    field: u16,
}

impl<const N: usize> NamedPlan<N> {
    /// Looks for the columns of `fields`. `kinds` are those of the cells that they read.
    ///
    /// # Errors
    /// [`FromRowError::MissingColumn`] names a field that needs a column and has none.
    #[inline]
    pub fn new(
        columns: &Columns,
        fields: &'static [NamedField; N],
        kinds: &[u8; N],
    ) -> Result<Self, FromRowError> {
        if columns.found_fields().are_in_order(fields) {
            return Ok(Self::in_order(columns, kinds));
        }
        Self::look_up(columns, fields, kinds)
    }

    #[inline(never)]
    fn look_up(
        columns: &Columns,
        fields: &'static [NamedField; N],
        kinds: &[u8; N],
    ) -> Result<Self, FromRowError> {
        if let Some(found) = columns.found_fields().get(fields) {
            return Ok(Self::from_found(found, columns, kinds));
        }
        let found = FoundFields::find(columns, fields)?;
        let plan = Self::from_found(&found, columns, kinds);
        columns.found_fields().keep(found);
        Ok(plan)
    }

    fn from_found(found: &FoundFields, columns: &Columns, kinds: &[u8; N]) -> Self {
        if found.in_order {
            return Self::in_order(columns, kinds);
        }
        let mut slots = [Slot::NONE; N];
        for (slot, found) in slots.iter_mut().zip(&found.slots) {
            *slot = *found;
        }
        Self(Order::Other(slots))
    }

    #[inline]
    fn in_order(columns: &Columns, kinds: &[u8; N]) -> Self {
        Self(if columns.are(kinds) {
            Order::Exact
        } else {
            Order::Same
        })
    }

    /// Whether [`ExactCells`](super::ExactCells) read the rows without a NULL.
    #[inline]
    pub const fn is_exact(&self) -> bool {
        matches!(self.0, Order::Exact)
    }

    /// Whether there is a column for each field, in their order, and no other.
    #[inline]
    pub const fn is_in_order(&self) -> bool {
        !matches!(self.0, Order::Other(_))
    }

    /// The field that takes the column at `index`, where one does. `taken` is how many fields have
    /// been, in column order.
    #[inline]
    pub fn field(&self, taken: &mut usize, index: usize) -> Option<usize> {
        let Order::Other(slots) = &self.0 else {
            return Some(index);
        };
        let slot = slots.get(*taken)?;
        if usize::from(slot.column) != index {
            return None;
        }
        *taken = taken.saturating_add(1);
        Some(usize::from(slot.field))
    }
}

impl Slot {
    const NONE: Self = Self {
        column: u16::MAX,
        field: u16::MAX,
    };
}

/// What has been found out about the fields of the types that one result set is read as, for
/// callers that ask again for each row.
#[derive(Debug, Default)]
pub(crate) struct FoundFieldsCache {
    entries: [OnceLock<FoundFields>; CACHED_TYPES],
}

impl FoundFieldsCache {
    /// Whether the type asked for first has these fields, and they are known to stand in the order
    /// of the columns.
    #[inline]
    fn are_in_order(&self, fields: &'static [NamedField]) -> bool {
        let [first, ..] = &self.entries;
        first
            .get()
            .is_some_and(|found| found.in_order && std::ptr::eq(found.fields, fields))
    }

    fn get(&self, fields: &'static [NamedField]) -> Option<&FoundFields> {
        self.entries
            .iter()
            .map_while(OnceLock::get)
            .find(|found| std::ptr::eq(found.fields, fields))
    }

    /// Keeps `found` where there is room.
    fn keep(&self, mut found: FoundFields) {
        for entry in &self.entries {
            match entry.set(found) {
                Ok(()) => return,
                Err(back) => found = back,
            }
        }
    }
}

#[derive(Debug)]
struct FoundFields {
    fields: &'static [NamedField],
    in_order: bool,
    slots: Box<[Slot]>,
}

impl FoundFields {
    fn find(
        columns: &[ColumnDefinition],
        fields: &'static [NamedField],
    ) -> Result<Self, FromRowError> {
        let mut is_found = vec![false; fields.len()];
        let mut slots = Vec::with_capacity(fields.len());
        for (index, column) in (0..u16::MAX).zip(columns) {
            let taker = (0..u16::MAX)
                .zip(fields.iter().zip(&mut is_found))
                .find(|(_, (field, is_found))| !**is_found && field.name == column.name());
            if let Some((place, (_, is_found))) = taker {
                *is_found = true;
                slots.push(Slot {
                    column: index,
                    field: place,
                });
            }
        }
        let missing = fields
            .iter()
            .zip(is_found)
            .find(|(field, is_found)| field.is_required && !is_found);
        if let Some((field, _)) = missing {
            return Err(missing_column(field.name, columns));
        }
        let in_order = slots.len() == columns.len()
            && slots.len() == fields.len()
            && slots.iter().all(|slot| slot.column == slot.field);
        Ok(Self {
            fields,
            in_order,
            slots: slots.into(),
        })
    }
}

/// Reads a whole row, whatever the order of its columns.
///
/// # Errors
/// [`FromRowError`] names the column that does not convert.
#[inline(never)]
pub fn from_named_cells<'a, T: ByName<'a>, R: RowReader<'a>>(
    row: &mut R,
    columns: &'a Columns,
    plan: &T::Plan,
) -> Result<T, FromRowError> {
    let mut partial = T::nothing();
    for (index, column) in columns.iter().enumerate() {
        if !T::take(&mut partial, plan, Cell { index, column }, row)? {
            row.skip(column)?;
        }
    }
    row.finish()?;
    T::complete(partial, columns)
}

/// The error for a field that has no column. A plan is made for rows where none is missing.
#[cold]
pub fn missing_column(name: &'static str, columns: &[ColumnDefinition]) -> FromRowError {
    FromRowError::MissingColumn {
        name,
        columns: columns.len(),
    }
}

/// Few types are read from one result set; a struct counts for itself and for each that it flattens.
const CACHED_TYPES: usize = 4;

#[cfg(test)]
mod tests {
    use otaria_codec::FieldType;

    use super::*;
    use crate::CellKind;

    static FIELDS: [NamedField; 2] = [
        NamedField {
            name: "a",
            is_required: true,
        },
        NamedField {
            name: "b",
            is_required: false,
        },
    ];

    fn columns(names: &[&str]) -> Columns {
        let columns = names
            .iter()
            .map(|name| ColumnDefinition::new(name, FieldType::Long));
        Columns::new(columns.collect())
    }

    fn plan(columns: &Columns) -> NamedPlan<2> {
        NamedPlan::new(columns, &FIELDS, &[CellKind::I32.code(); 2]).unwrap()
    }

    /// The field for each column.
    fn taken(columns: &Columns) -> Vec<Option<usize>> {
        let (plan, mut taken) = (plan(columns), 0);
        (0..columns.len())
            .map(|index| plan.field(&mut taken, index))
            .collect()
    }

    #[test]
    fn columns_in_the_order_of_the_fields_need_no_looking_up() {
        let in_order = columns(&["a", "b"]);
        assert!(plan(&in_order).is_exact() && plan(&in_order).is_in_order());
        assert_eq!(taken(&in_order), [Some(0), Some(1)]);
        let converting = NamedPlan::new(&in_order, &FIELDS, &[CellKind::I64.code(); 2]).unwrap();
        assert!(converting.is_in_order() && !converting.is_exact());
    }

    #[test]
    fn each_field_takes_the_first_column_of_its_name() {
        let more = columns(&["c", "b", "a", "b", "a", "A"]);
        assert!(!plan(&more).is_in_order() && !plan(&more).is_exact());
        assert_eq!(taken(&more), [None, Some(1), Some(0), None, None, None]);
    }

    #[test]
    fn a_field_that_needs_its_column_is_an_error_without_it() {
        let new = |names: &[&str]| NamedPlan::new(&columns(names), &FIELDS, &[0; 2]);
        assert_eq!(
            new(&["b"]),
            Err(FromRowError::MissingColumn {
                name: "a",
                columns: 1
            })
        );
        assert_eq!(taken(&columns(&["x", "a"])), [None, Some(0)]);
    }

    #[test]
    fn a_plan_is_the_same_when_it_is_asked_for_again() {
        for names in [["a", "b"], ["b", "a"]] {
            let columns = columns(&names);
            assert_eq!(plan(&columns), plan(&columns));
            assert_eq!(plan(&columns.clone()), plan(&columns));
        }
    }

    #[test]
    fn columns_are_equal_whatever_they_were_read_as() {
        let (read, fresh) = (columns(&["a", "b"]), columns(&["a", "b"]));
        plan(&read);
        assert_eq!(read, fresh);
        assert_ne!(read, columns(&["b", "a"]));
    }

    #[test]
    fn more_types_than_are_remembered_find_their_columns() {
        static OTHERS: [[NamedField; 1]; CACHED_TYPES + 2] = [[NamedField {
            name: "b",
            is_required: true,
        }]; CACHED_TYPES + 2];
        let columns = columns(&["a", "b"]);
        for _ in 0..2 {
            for fields in &OTHERS {
                let found = NamedPlan::new(&columns, fields, &[0]).unwrap();
                let mut taken = 0;
                assert_eq!(found.field(&mut taken, 0), None);
                assert_eq!(found.field(&mut taken, 1), Some(0));
            }
        }
    }
}
