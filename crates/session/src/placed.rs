use std::borrow::Cow;
use std::fmt;

use otaria_statement::{NamedSql, count_placeholders, placeholders};
use otaria_types::{ParameterSink, Params, ParamsError};

use crate::PlaceError;

/// A statement with nothing but `?` for its parameters, and which parameter is for which `?`.
pub struct Placed<'s> {
    sql: Cow<'s, str>,
    /// The parameter of each place; `None` if they go by their own order.
    order: Option<Vec<usize>>,
}

/// Prepares `sql` for `params`: their names become `?`, and each list becomes a `?` for each of its
/// values.
///
/// An empty list becomes a subquery without rows, so that `IN` is false and `NOT IN` true.
///
/// Parameters without names and lists, such as a tuple of plain values, leave the statement as it
/// is, without a look at it. Parameters with names go by their order where the statement has no
/// names but `?`.
///
/// # Errors
/// [`PlaceError`] if names, or the number of parameters of which some are lists, are not those of
/// the statement, and where names or lists are looked for and it is not certain where they stand.
#[inline]
pub fn place<'s, P: Params + ?Sized>(sql: &'s str, params: &P) -> Result<Placed<'s>, PlaceError> {
    let is_plain = |index| params.name(index).is_none() && params.list_len(index).is_none();
    if (0..params.len()).all(is_plain) {
        return Ok(Placed::as_it_is(sql));
    }
    let shapes: Vec<Shape<'_>> = (0..params.len())
        .map(|index| Shape {
            name: params.name(index),
            list_len: params.list_len(index),
        })
        .collect();
    place_shapes(sql, &shapes)
}

impl<'s> Placed<'s> {
    const fn as_it_is(sql: &'s str) -> Self {
        let sql = Cow::Borrowed(sql);
        Self { sql, order: None }
    }

    /// The statement as the server takes it.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// `params`, with which this was made, in the order of the statement.
    pub const fn params<'p, P: Params + ?Sized>(&'p self, params: &'p P) -> PlacedParams<'p, P> {
        PlacedParams {
            params,
            order: match &self.order {
                Some(order) => Some(order.as_slice()),
                None => None,
            },
        }
    }
}

/// Shows the length of the statement only, since values may stand in it.
impl fmt::Debug for Placed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Placed")
            .field("bytes", &self.sql.len())
            .field("order", &self.order)
            .finish()
    }
}

/// Parameters in the order of a statement, as often as it takes each.
pub struct PlacedParams<'p, P: ?Sized> {
    params: &'p P,
    order: Option<&'p [usize]>,
}

impl<P: Params + ?Sized> PlacedParams<'_, P> {
    /// The place of a parameter among those that were given.
    #[inline]
    fn own_index(&self, index: usize) -> Option<usize> {
        match self.order {
            None => Some(index),
            Some(order) => order.get(index).copied(),
        }
    }
}

impl<P: Params + ?Sized> Params for PlacedParams<'_, P> {
    #[inline]
    fn len(&self) -> usize {
        self.order.map_or_else(|| self.params.len(), <[usize]>::len)
    }

    /// Writes the parameters; an error names one by its place among those that were given.
    #[inline]
    fn write<S: ParameterSink>(&self, out: &mut S) -> Result<(), ParamsError> {
        match self.order {
            None => self.params.write(out),
            Some(order) => order
                .iter()
                .try_for_each(|&own| self.params.write_at(own, out)),
        }
    }

    #[inline]
    fn write_at<S: ParameterSink>(&self, index: usize, out: &mut S) -> Result<(), ParamsError> {
        match self.own_index(index) {
            Some(own) => self.params.write_at(own, out),
            None => Err(ParamsError::NoParameter {
                index,
                len: self.len(),
            }),
        }
    }

    #[inline]
    fn list_len(&self, index: usize) -> Option<usize> {
        self.params.list_len(self.own_index(index)?)
    }
}

/// Shows how many there are and no value.
impl<P: Params + ?Sized> fmt::Debug for PlacedParams<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlacedParams({})", self.len())
    }
}

/// What a parameter is to the statement.
#[derive(Clone, Copy)]
struct Shape<'p> {
    name: Option<&'p str>,
    list_len: Option<usize>,
}

#[cold]
fn place_shapes<'s>(sql: &'s str, shapes: &[Shape<'_>]) -> Result<Placed<'s>, PlaceError> {
    let placed = match names(shapes)? {
        Some(names) => place_names(sql, &names)?,
        None => Placed::as_it_is(sql),
    };
    if shapes.iter().all(|shape| shape.list_len.is_none()) {
        return Ok(placed);
    }
    place_lists(&placed, shapes)
}

/// The names of all parameters, or `None` if they go by their places.
fn names<'p>(shapes: &[Shape<'p>]) -> Result<Option<Vec<&'p str>>, PlaceError> {
    if shapes.iter().all(|shape| shape.name.is_none()) {
        return Ok(None);
    }
    let name =
        |(index, shape): (usize, &Shape<'p>)| shape.name.ok_or(PlaceError::Unnamed { index });
    let names: Result<_, _> = shapes.iter().enumerate().map(name).collect();
    names.map(Some)
}

fn place_names<'s>(sql: &'s str, names: &[&str]) -> Result<Placed<'s>, PlaceError> {
    let may_have_places = || count_placeholders(sql) != Some(0);
    // What certainly has no names need not be clear in the rest.
    if !sql.contains(':') && may_have_places() {
        return Ok(Placed::as_it_is(sql));
    }
    let named = NamedSql::parse(sql)?;
    if named.names().is_empty() && may_have_places() {
        return Ok(Placed::as_it_is(sql));
    }
    let order = Some(named.places(names)?);
    let sql = Cow::Owned(named.sql().to_owned());
    Ok(Placed { sql, order })
}

/// Makes a `?` for each value of each list.
fn place_lists<'s>(placed: &Placed<'_>, shapes: &[Shape<'_>]) -> Result<Placed<'s>, PlaceError> {
    let sql = placed.sql();
    let places = placeholders(sql)?;
    let order = match &placed.order {
        Some(order) => order.clone(),
        None => (0..shapes.len()).collect(),
    };
    let (expected, given) = (places.len(), order.len());
    if expected != given {
        return Err(PlaceError::Count { expected, given });
    }
    let list_lens: Vec<Option<usize>> =
        order.iter().map(|&own| shapes.get(own)?.list_len).collect();
    let values = list_lens.iter().map(|list_len| list_len.unwrap_or(1));
    let found = values.fold(0, usize::saturating_add);
    if found > MAX_PARAMETERS {
        return Err(PlaceError::TooMany { found });
    }
    let mut expanded = String::with_capacity(sql.len() + ", ?".len() * found);
    let mut copied = 0;
    for (place, list_len) in places.iter().zip(list_lens) {
        let at = place.at;
        expanded.push_str(sql.get(copied..at).unwrap_or_default());
        match list_len {
            None => expanded.push('?'),
            Some(_) if !place.takes_list => return Err(PlaceError::NoList { at }),
            Some(list_len) => push_list(&mut expanded, list_len),
        }
        copied = at + 1;
    }
    expanded.push_str(sql.get(copied..).unwrap_or_default());
    Ok(Placed {
        sql: Cow::Owned(expanded),
        order: Some(order),
    })
}

fn push_list(sql: &mut String, list_len: usize) {
    let Some(others) = list_len.checked_sub(1) else {
        // No list of values is empty in SQL. `FALSE` is known before a row is looked for.
        return sql.push_str("SELECT NULL FROM DUAL WHERE FALSE");
    };
    sql.push('?');
    (0..others).for_each(|_| sql.push_str(", ?"));
}

/// The greatest number of parameters of a statement: the protocol counts them in two bytes.
const MAX_PARAMETERS: usize = 65_535;

#[cfg(test)]
mod tests;
