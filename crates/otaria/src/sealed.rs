//! Who has the methods of the traits here: nobody else can implement them, so that methods may be added.

use otaria_connection::{Connection, Transaction};
use otaria_pool::Pool;

#[expect(unnameable_types, reason = "only the types here have these methods")]
pub trait Sealed {}

impl Sealed for Connection {}
impl Sealed for Transaction<'_> {}
impl Sealed for Pool {}
