//! Part of Otaria, an async MariaDB driver.
