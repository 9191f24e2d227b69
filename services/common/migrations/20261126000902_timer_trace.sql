-- The W3C trace context of what set the timer, so that what it causes is told in the same trace.
alter table timer add column traceparent text not null default '';
