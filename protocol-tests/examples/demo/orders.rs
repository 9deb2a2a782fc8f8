//! The table of the demo, the queries on it, and what its rows come to.

use std::fmt;

use otaria::{Connection, Date, DateTime, Decimal, Error, Row};

use crate::table::grouped;

/// What all rows come to: read row by row, or as the server says.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct Totals {
    pub rows: u64,
    ids: u64,
    quantity: u64,
    /// In hundredths, as `amount` is.
    revenue: i128,
    unpaid: u64,
    notes: u64,
    text_bytes: u64,
    first: Option<Date>,
    last_payment: Option<DateTime>,
}

impl Totals {
    /// Adds a row of [`ALL`]. Its text is lent out of the receive buffer.
    pub fn add(&mut self, row: &Row<'_>) -> Result<(), Error> {
        #[expect(clippy::type_complexity, reason = "a row is read as one type a column")]
        let (id, customer, country, quantity, amount, ordered_on, paid_at, note): (
            u32,
            &str,
            Option<&str>,
            u16,
            Option<Decimal>,
            Date,
            Option<DateTime>,
            Option<&str>,
        ) = row.read()?;
        self.rows += 1;
        self.ids += u64::from(id);
        self.quantity += u64::from(quantity);
        self.revenue += amount.and_then(|amount| amount.unscaled()).unwrap_or(0);
        self.unpaid += u64::from(paid_at.is_none());
        self.notes += u64::from(note.is_some());
        for text in [Some(customer), country, note].into_iter().flatten() {
            self.text_bytes += text.len() as u64;
        }
        self.first = Some(self.first.map_or(ordered_on, |first| first.min(ordered_on)));
        self.last_payment = self.last_payment.max(paid_at);
        Ok(())
    }

    /// Asks the server for those of a table of such columns.
    pub async fn of_server(connection: &mut Connection, table: &str) -> Result<Self, Error> {
        let mut totals = Self::default();
        let mut rows = connection
            .simple_query(&format!("{TOTALS} {table}"))
            .await?;
        while let Some(row) = rows.next().await? {
            let revenue: Decimal = row.get("revenue")?;
            totals = Self {
                rows: row.get("rows")?,
                ids: row.get("ids")?,
                quantity: row.get("quantity")?,
                revenue: revenue.unscaled().unwrap_or(i128::MIN),
                unpaid: row.get("unpaid")?,
                notes: row.get("notes")?,
                text_bytes: row.get("text_bytes")?,
                first: row.get("first")?,
                last_payment: row.get("last_payment")?,
            };
        }
        rows.finish().await?;
        Ok(totals)
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let revenue = Decimal::from_i128(self.revenue, 2).unwrap_or(Decimal::ZERO);
        write!(
            f,
            "{} rows, revenue {revenue}, {} bytes of text, {} unpaid",
            grouped(self.rows),
            grouped(self.text_bytes),
            grouped(self.unpaid),
        )
    }
}

/// How many bytes the server has sent on this connection, before this answer.
pub async fn bytes_sent(connection: &mut Connection) -> Result<u64, Error> {
    let rows = connection.simple_query(BYTES_SENT).await?;
    let rows: Vec<(u64,)> = rows.collect().await?;
    Ok(rows.first().map_or(0, |row| row.0))
}

/// The statement that fills in the rows of `batch`, counted from 0. The rows look random and are
/// the same in every run.
pub fn insert(batch: u64) -> String {
    let first = batch * BATCH_ROWS + 1;
    let last = first + BATCH_ROWS - 1;
    format!(
        "INSERT INTO orders
         SELECT seq,
             CONCAT(
                 ELT(1 + CRC32(CONCAT('given', seq)) MOD 8,
                     'Anna', 'Björn', 'Chloé', 'Łukasz', 'Σοφία', 'Юрій', '美咲', 'Zoë'),
                 ' ',
                 ELT(1 + CRC32(CONCAT('family', seq)) MOD 8, 'Müller', 'Dubois', 'Ångström',
                     'Wójcik', 'O''Brien', 'Παπαδοπούλου', 'Шевченко', '佐藤')),
             ELT(1 + INTERVAL(CRC32(CONCAT('country', seq)) MOD 1000,
                     310, 490, 640, 760, 850, 920, 960, 985),
                 'Deutschland', 'France', 'Polska', 'Österreich', 'Ελλάδα', 'Україна', '日本',
                 'Ísland'),
             1 + CRC32(CONCAT('quantity', seq)) MOD 9,
             IF(CRC32(CONCAT('country', seq)) MOD 1000 BETWEEN 960 AND 984, NULL,
                 (CAST(CRC32(CONCAT('amount', seq)) MOD 500000 AS SIGNED) - 20000) / 100),
             ordered_on,
             IF(CRC32(CONCAT('unpaid', seq)) MOD 12 = 0, NULL, TIMESTAMP(ordered_on)
                 + INTERVAL CRC32(CONCAT('paid', seq)) * 401 MICROSECOND),
             ELT(1 + CRC32(CONCAT('note', seq)) MOD 12, 'gift wrap, please 🎁',
                 'Bitte beim Nachbarn abgeben', 'à livrer après 18 h', '配達は午後に', '')
         FROM (
             SELECT seq,
                 DATE '2023-01-01' + INTERVAL CRC32(CONCAT('date', seq)) MOD 1096 DAY AS ordered_on
             FROM seq_{first}_to_{last}
         ) AS numbers"
    )
}

/// How many rows the table gets.
pub const ROWS: u64 = BATCHES * BATCH_ROWS;

/// How many statements fill it.
pub const BATCHES: u64 = 12;

const BATCH_ROWS: u64 = 25_000;

/// The table.
pub const CREATE: &str = "
    CREATE TABLE orders (
        id INT UNSIGNED NOT NULL PRIMARY KEY,
        customer VARCHAR(60) NOT NULL,
        country VARCHAR(30),
        quantity SMALLINT UNSIGNED NOT NULL,
        amount DECIMAL(12, 2),
        ordered_on DATE NOT NULL,
        paid_at DATETIME(6),
        note VARCHAR(100)
    ) CHARACTER SET utf8mb4";

/// All rows, in the columns that [`Totals::add`] reads.
pub const ALL: &str =
    "SELECT id, customer, country, quantity, amount, ordered_on, paid_at, note FROM orders";

/// An aggregate with NULLs among its groups and among its values.
pub const BY_COUNTRY: &str = "
    SELECT country, COUNT(*) AS orders, SUM(amount) AS revenue,
        MIN(ordered_on) AS first_order, MAX(ordered_on) AS last_order
    FROM orders GROUP BY country ORDER BY orders DESC";

const TOTALS: &str = "
    SELECT COUNT(*) AS `rows`, SUM(id) AS ids, SUM(quantity) AS quantity, SUM(amount) AS revenue,
        SUM(paid_at IS NULL) AS unpaid, COUNT(note) AS notes,
        SUM(LENGTH(customer) + COALESCE(LENGTH(country), 0) + COALESCE(LENGTH(note), 0))
            AS text_bytes,
        MIN(ordered_on) AS first, MAX(paid_at) AS last_payment
    FROM";

const BYTES_SENT: &str = "
    SELECT CAST(VARIABLE_VALUE AS UNSIGNED) FROM information_schema.SESSION_STATUS
    WHERE VARIABLE_NAME = 'BYTES_SENT'";
