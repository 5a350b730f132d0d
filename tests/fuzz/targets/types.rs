#![no_main]

specc_fuzz::target!("types");
