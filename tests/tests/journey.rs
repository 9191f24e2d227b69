//! The main job, from the first report to the archived order.
