-- A phone that was offline names a photo before it arrives: those named last are looked through for what is missing.
create index order_step_photo on order_step (at desc) where detail ->> 'photo_sha256' is not null;
