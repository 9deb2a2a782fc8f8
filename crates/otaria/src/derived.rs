/// Implements [`FromRow`](trait@crate::FromRow): a struct is read from a row, its fields from the
/// columns of their names.
///
/// Columns may come in any order, and there may be others among them. Names are compared exactly,
/// case included; of several columns with one name the first is taken. A field has any type that
/// implements [`FromSql`](crate::FromSql), and may borrow from the row: `&'r str` and `&'r [u8]` copy nothing, for
/// which the struct has one lifetime parameter. Reading a row allocates nothing beyond what the
/// types of the fields own, and looks at no name.
///
/// Tuple structs, and structs with `#[otaria(by_position)]`, take the columns in the order of their
/// fields, whatever the names; the row must have just as many.
///
/// | attribute of the struct | |
/// |---|---|
/// | `by_position` | the fields take the columns in their order |
/// | `rename_all = "camelCase"` | how columns are called whose fields have no `rename`: `camelCase`, `PascalCase`, `snake_case`, `SCREAMING_SNAKE_CASE`, `kebab-case` |
/// | `crate = "path"` | where the crate `otaria` is, if not at `::otaria` |
///
/// | attribute of a field | |
/// |---|---|
/// | `rename = "name"` | the column's name |
/// | `default`, `default = "path"` | the value of `Default`, or what the function returns, where the column is missing or the value NULL |
/// | `skip` | is no column: always the value of `Default`, or of the function of `default = "path"` |
/// | `flatten` | is another struct that derives `FromRow`, by name too, and takes its columns out of the same row; by position, that struct or a tuple takes the next columns |
/// | `try_from = "Type"` | the value is read as that type and then converted by `TryFrom` |
///
/// ```
/// use otaria::{Decimal, FromRow};
///
/// #[derive(FromRow)]
/// struct Item<'r> {
///     id: u32,
///     #[otaria(rename = "title")]
///     name: &'r str,
///     price: Option<Decimal>,
///     #[otaria(default)]
///     stock: u32,
///     #[otaria(flatten)]
///     size: Size,
/// }
///
/// #[derive(FromRow)]
/// struct Size {
///     width: f64,
///     height: f64,
/// }
///
/// async fn total(mut rows: otaria::Rows<'_>) -> Result<u32, otaria::Error> {
///     let mut total = 0;
///     while let Some(row) = rows.next().await? {
///         let item: Item<'_> = row.read()?;
///         total += item.stock;
///     }
///     Ok(total)
/// }
/// ```
///
/// # Errors
/// Those of reading: a missing column is named, and so is one whose value does not convert. If
/// `TryFrom` fails, the error names the type of its error and drops the error itself, which may hold
/// the value.
///
/// # What does not compile
/// A field's type has to be one that columns are read as:
///
/// ```compile_fail,E0277
/// #[derive(otaria::FromRow)]
/// struct Item {
///     id: std::net::TcpStream,
/// }
/// ```
///
/// A struct that is flattened takes its columns as the other one does, here not by name:
///
/// ```compile_fail,E0277
/// #[derive(otaria::FromRow)]
/// struct Item {
///     id: u32,
///     #[otaria(flatten)]
///     size: Size,
/// }
///
/// #[derive(otaria::FromRow)]
/// struct Size(f64, f64);
/// ```
///
/// and here by name only:
///
/// ```compile_fail,E0277
/// #[derive(otaria::FromRow)]
/// struct Item(u32, #[otaria(flatten)] Size);
///
/// #[derive(otaria::FromRow)]
/// struct Size {
///     width: f64,
///     height: f64,
/// }
/// ```
///
/// What is lent by a row does not outlive it:
///
/// ```compile_fail,E0499
/// #[derive(otaria::FromRow)]
/// struct Item<'r> {
///     name: &'r str,
/// }
///
/// async fn two(mut rows: otaria::Rows<'_>) -> Result<(), otaria::Error> {
///     let first: Option<Item<'_>> = rows.next().await?.map(|row| row.read()).transpose()?;
///     let second: Option<Item<'_>> = rows.next().await?.map(|row| row.read()).transpose()?;
///     drop(first);
///     Ok(())
/// }
/// ```
pub use otaria_derive::FromRow;

/// Implements [`Params`](trait@crate::Params): the fields of a struct are the parameters of a statement.
///
/// They are parameters in the order of the fields; those of a struct with named fields have names,
/// too, for placeholders such as `:name`. A field has any type that implements [`ToSql`](crate::ToSql).
///
/// `#[otaria(rename = "name")]` gives a field another name, `#[otaria(rename_all = "camelCase")]` all
/// fields of a struct, and `#[otaria(skip)]` leaves a field out. Other attributes are those of
/// `FromRow`, which a struct may derive as well.
///
/// ```
/// use otaria::Params;
///
/// #[derive(Params)]
/// struct NewItem<'a> {
///     name: &'a str,
///     #[otaria(rename = "price_in_cents")]
///     price: u32,
/// }
///
/// let item = NewItem { name: "kettle", price: 1999 };
/// assert_eq!(item.len(), 2);
/// assert_eq!(Params::name(&item, 1), Some("price_in_cents"));
/// ```
pub use otaria_derive::Params;
