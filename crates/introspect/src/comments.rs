//! Comments on everything that Postgres did not make itself.

use crate::Error;
use crate::reader::{CatalogReader, name};

const COMMENTS: &str = "select classoid, objoid, objsubid, description from pg_description \
    where objoid >= 16384 or classoid = 2615";

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    for row in reader.query(COMMENTS, &[])? {
        reader.comments.insert((row.get(0), row.get(1), row.get(2)), name(&row, 3));
    }
    Ok(())
}
