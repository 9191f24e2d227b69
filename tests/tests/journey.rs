//! The main job: forty customers below one switch report over ten minutes; one incident comes of them; a crew is sent,
//! arrives, restores half, then all; everybody entitled is told once, in their language, and nobody else; the ledger has
//! each customer's minutes; one trace covers the whole way.
