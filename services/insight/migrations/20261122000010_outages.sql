-- Planned and temporary outages are reasons to be off like faults are: their view says as what their records count.
alter table incident_view add column class text not null default 'FAULT'
    constraint incident_view_class check (class in ('FAULT', 'PLANNED', 'TEMPORARY'));
-- What was planned in a year, per customer, for the limits of the next plan.
create index interruption_planned on interruption (customer_id, off_at) where class in ('PLANNED', 'TEMPORARY');
