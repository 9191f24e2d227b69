-- Outages right before and right after one are looked for (domain.md 5.5 no. 27).
create index outage_by_start on outage (off_at);
create index outage_by_end on outage (on_at);
