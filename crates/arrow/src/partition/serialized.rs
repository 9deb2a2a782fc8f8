use super::{InvalidPartition, Partition, PlanError};

/// The form of the bytes, version 1; integers have their low byte first:
///
/// | bytes | |
/// |---|---|
/// | 4 | `OTRP` |
/// | 1 | the version |
/// | 1 | flags: 1 a filter, 2 a predicate, 4 a hash of the columns |
/// | 4 | its place among the parts, from 0 |
/// | 4 | how many parts there are |
/// | 8 | the hash of the columns, if the flag says so |
/// | 4 + n | SELECT and FROM, behind their length |
/// | 4 + n | the filter, if the flag says so |
/// | 4 + n | the predicate, if the flag says so |
impl Partition {
    /// The partition for another process: its SQL and its place among the others, and no
    /// credentials.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64 + self.select.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[VERSION, self.flags()]);
        bytes.extend_from_slice(&self.index.to_le_bytes());
        bytes.extend_from_slice(&self.count.to_le_bytes());
        if let Some(hash) = self.columns_hash {
            bytes.extend_from_slice(&hash.to_le_bytes());
        }
        let texts = [
            Some(&self.select),
            self.filter.as_ref(),
            self.predicate.as_ref(),
        ];
        for text in texts.into_iter().flatten() {
            // No text is longer than `MAX_SQL_BYTES`.
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }

    /// The partition that [`to_bytes`](Self::to_bytes) has written. Only its form is checked, and
    /// nothing of its SQL: whoever makes the bytes says what is run.
    ///
    /// # Errors
    /// [`InvalidPartition`], for all bytes but those.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidPartition> {
        let mut reader = Reader(bytes);
        if reader.array("mark").ok() != Some(MAGIC) {
            return Err(InvalidPartition::NotAPartition);
        }
        let [version, flags] = reader.array("version")?;
        if version != VERSION {
            return Err(InvalidPartition::UnknownVersion {
                found: version,
                known: VERSION,
            });
        }
        let unknown = flags & !(HAS_FILTER | HAS_PREDICATE | HAS_HASH);
        if unknown != 0 {
            return Err(InvalidPartition::UnknownFlags { found: unknown });
        }
        let index = u32::from_le_bytes(reader.array("index")?);
        let count = u32::from_le_bytes(reader.array("count")?);
        let max_count = u32::try_from(Self::MAX_COUNT).unwrap_or(u32::MAX);
        if index >= count || count > max_count {
            return Err(InvalidPartition::Index { index, count });
        }
        let has = |flag: u8| flags & flag != 0;
        let hash = has(HAS_HASH).then(|| reader.array("hash of columns"));
        let partition = Self {
            index,
            count,
            columns_hash: hash.transpose()?.map(u64::from_le_bytes),
            select: reader.text("SELECT")?,
            filter: has(HAS_FILTER).then(|| reader.text("filter")).transpose()?,
            predicate: has(HAS_PREDICATE)
                .then(|| reader.text("predicate"))
                .transpose()?,
        };
        match reader.0.len() {
            0 => Ok(partition),
            bytes => Err(InvalidPartition::TrailingData { bytes }),
        }
    }

    const fn flags(&self) -> u8 {
        let mut flags = 0;
        if self.filter.is_some() {
            flags |= HAS_FILTER;
        }
        if self.predicate.is_some() {
            flags |= HAS_PREDICATE;
        }
        if self.columns_hash.is_some() {
            flags |= HAS_HASH;
        }
        flags
    }
}

/// The bytes that are left.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], InvalidPartition> {
        let (array, rest) = self
            .0
            .split_first_chunk()
            .ok_or(InvalidPartition::Truncated { field })?;
        self.0 = rest;
        Ok(*array)
    }

    /// Text behind its length. Nothing is allocated for more than there is.
    fn text(&mut self, field: &'static str) -> Result<Box<str>, InvalidPartition> {
        let found = u32::from_le_bytes(self.array(field)?);
        let length = usize::try_from(found).unwrap_or(usize::MAX);
        if length > PlanError::MAX_SQL_BYTES {
            return Err(InvalidPartition::TooLong {
                field,
                found,
                limit: u32::try_from(PlanError::MAX_SQL_BYTES).unwrap_or(u32::MAX),
            });
        }
        let (text, rest): (&'b [u8], _) = self
            .0
            .split_at_checked(length)
            .ok_or(InvalidPartition::Truncated { field })?;
        self.0 = rest;
        let text = str::from_utf8(text).map_err(|_| InvalidPartition::NotUtf8 { field })?;
        if text.trim().is_empty() {
            return Err(InvalidPartition::Empty { field });
        }
        Ok(text.into())
    }
}

const MAGIC: [u8; 4] = *b"OTRP";
const VERSION: u8 = 1;
const HAS_FILTER: u8 = 1;
const HAS_PREDICATE: u8 = 2;
const HAS_HASH: u8 = 4;

#[cfg(test)]
mod tests;
