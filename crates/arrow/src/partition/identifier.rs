use super::PlanError;

/// A name in backticks, as which every SQL mode takes it for a name and nothing else.
pub(crate) fn quoted(what: &'static str, name: &str) -> Result<String, PlanError> {
    if name.is_empty() || name.contains('\0') {
        return Err(PlanError::Name { what });
    }
    Ok(format!("`{}`", name.replace('`', "``")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backtick_in_a_name_does_not_end_it() {
        let quoted = quoted("column", "a` OR 1 = 1 -- ").unwrap();
        assert_eq!(quoted, "`a`` OR 1 = 1 -- `");
    }

    #[test]
    fn a_name_that_no_server_has_is_refused() {
        let refused = Err(PlanError::Name { what: "column" });
        assert_eq!(quoted("column", ""), refused);
        assert_eq!(quoted("column", "a\0b"), refused);
    }
}
