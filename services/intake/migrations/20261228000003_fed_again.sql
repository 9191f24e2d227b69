-- Whoever reported, or was put out by a confirmed fault, and is fed another way by switching since: from that moment on their supply is back as
-- far as anybody knows, and what they report then is "still off", with a clock of its own; until it is switched back (lost_again).
alter table evidence drop constraint evidence_kind_known;
alter table evidence add constraint evidence_kind_known check (kind in ('call', 'last_gasp', 'ping_off', 'ping_on', 'scada_open',
    'scada_closed', 'relay_open', 'relay_closed', 'restored', 'fed_again', 'lost_again', 'credit_out', 'credit_in')) not valid;
alter table evidence validate constraint evidence_kind_known;
