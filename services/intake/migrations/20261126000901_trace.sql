-- The W3C trace context a report came in with, so that the incident it ends up in is told in the same trace.
alter table report_waiting add column traceparent text not null default '';
