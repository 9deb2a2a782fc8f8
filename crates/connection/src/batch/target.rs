use otaria_session::{Error, Executable, Placed, PlacedParams, Statement, place};
use otaria_types::Params;

/// What a batch executes.
pub(super) struct Target<'s> {
    executable: Executable<'s>,
    placed: Placed<'s>,
    /// Those of each row's parameters; none if they go by their order.
    names: Vec<Box<str>>,
    /// Once it is prepared: held, so that no cache closes it.
    pub(super) statement: Option<Statement>,
}

impl<'s> Target<'s> {
    /// The statement for rows such as `first`.
    pub(super) fn new(executable: Executable<'s>, first: &impl Params) -> Result<Self, Error> {
        let names = (0..first.len()).map_while(|index| first.name(index));
        let target = Self {
            executable,
            names: names.map(Into::into).collect(),
            placed: place(executable.sql(), first)?,
            statement: None,
        };
        target.check(first)?;
        Ok(target)
    }

    /// As it is executed.
    pub(super) fn executable(&self) -> Executable<'_> {
        match (&self.statement, self.executable) {
            (Some(statement), _) | (None, Executable::Statement(statement)) => {
                Executable::Statement(statement)
            }
            (None, Executable::Sql(_)) => Executable::Sql(self.placed.sql()),
        }
    }

    /// Whether the caller has prepared it.
    pub(super) const fn is_statement(&self) -> bool {
        matches!(self.executable, Executable::Statement(_))
    }

    /// As SQL.
    pub(super) fn sql(&self) -> &str {
        self.placed.sql()
    }

    /// The parameters of a row in the order of the statement.
    #[inline]
    pub(super) fn params<'p, P: Params>(
        &'p self,
        row: &'p P,
    ) -> Result<PlacedParams<'p, P>, Error> {
        self.check(row)?;
        Ok(self.placed.params(row))
    }

    /// Whether the server executes each command as one statement, and not its rows one by one.
    pub(super) fn is_insert(&self) -> bool {
        let sql = self.sql().trim_ascii_start();
        let end = sql.find(|character: char| !character.is_ascii_alphabetic());
        let word = sql.get(..end.unwrap_or(sql.len())).unwrap_or_default();
        ["INSERT", "REPLACE"]
            .iter()
            .any(|insert| word.eq_ignore_ascii_case(insert))
    }

    /// Whether it may be an INSERT … ON DUPLICATE KEY UPDATE.
    pub(super) fn may_update_duplicates(&self) -> bool {
        self.is_insert() && self.has_word("DUPLICATE")
    }

    /// Whether it may be an INSERT that leaves rows as they are.
    pub(super) fn may_skip_rows(&self) -> bool {
        self.may_update_duplicates() || self.is_insert() && self.has_word("IGNORE")
    }

    fn has_word(&self, wanted: &str) -> bool {
        let mut words = self
            .sql()
            .split(|character: char| !character.is_alphanumeric());
        words.any(|word| word.eq_ignore_ascii_case(wanted))
    }

    /// Checks that `row` is like the first.
    #[inline]
    fn check(&self, row: &impl Params) -> Result<(), Error> {
        let fits = |index: usize| {
            let expected = self.names.get(index).map(AsRef::as_ref);
            row.list_len(index).is_none() && row.name(index) == expected
        };
        if (0..row.len()).all(fits) {
            return Ok(());
        }
        Err(Error::BatchRowShape)
    }
}

#[cfg(test)]
mod tests {
    use otaria_types::InList;

    use super::*;

    fn target<'s>(sql: &'s str, first: &impl Params) -> Result<Target<'s>, Error> {
        Target::new(Executable::Sql(sql), first)
    }

    #[test]
    fn an_insert_is_told_by_its_first_word() {
        let is_insert = |sql| target(sql, &(1,)).unwrap().is_insert();
        assert!(is_insert("insert into t values (?)"));
        assert!(is_insert("\n REPLACE t VALUES (?)"));
        assert!(!is_insert("UPDATE t SET a = ?"));
        assert!(!is_insert("INSERTS"));
        assert!(!is_insert("/* */ INSERT INTO t VALUES (?)"));
        assert!(!is_insert(""));
    }

    #[test]
    fn what_may_update_duplicates_is_told_by_a_word() {
        let may = |sql| target(sql, &(1,)).unwrap().may_update_duplicates();
        assert!(may(
            "INSERT INTO t VALUES (?) ON duplicate KEY UPDATE a = 1"
        ));
        assert!(may(
            "INSERT INTO t VALUES (?) ON/**/DUPLICATE/**/KEY UPDATE a = 1"
        ));
        assert!(!may("INSERT INTO duplicates VALUES (?)"));
        assert!(!may("UPDATE t SET duplicate = ?"));
    }

    #[test]
    fn names_are_placed_once_and_the_same_in_each_row() {
        let target = target("UPDATE t SET a = :a WHERE b = :b", &[("b", 1), ("a", 2)]).unwrap();
        assert_eq!(target.sql(), "UPDATE t SET a = ? WHERE b = ?");
        assert!(target.params(&[("b", 3), ("a", 4)]).is_ok());
        for row in [[("a", 3), ("b", 4)], [("b", 3), ("c", 4)]] {
            let error = target.params(&row).err();
            assert!(matches!(error, Some(Error::BatchRowShape)));
        }
        assert!(matches!(
            target.params(&(3, 4)).err(),
            Some(Error::BatchRowShape)
        ));
    }

    #[test]
    fn a_list_is_no_parameter_of_a_batch() {
        let ids = [1, 2];
        let error = target("DELETE FROM t WHERE a IN (?)", &(InList(&ids),)).err();
        assert!(matches!(error, Some(Error::BatchRowShape)));
        let target = target("DELETE FROM t WHERE a IN (?)", &(1,)).unwrap();
        assert!(matches!(
            target.params(&(InList(&ids),)).err(),
            Some(Error::BatchRowShape)
        ));
    }
}
