//! Classes of OpenDSS and their properties.

/// Classes that matter for what is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Class {
    Line,
    Transformer,
    AutoTrans,
    Reactor,
    Capacitor,
    Upfc,
    Load,
    Vsource,
    SwtControl,
    Fuse,
    Recloser,
    Relay,
    LineCode,
    LineGeometry,
    LineSpacing,
    XfmrCode,
}

/// Classes without a say in what is connected: curves, controls of taps and meters, generation.
const PASSED_OVER: &str = "loadshape tshape priceshape xycurve growthshape tcc_curve spectrum wiredata cndata \
    tsdata conductordata isource vccs regcontrol capcontrol dynamicexp generator gendispatcher storage storage2 \
    storagecontroller storagecontroller2 pvsystem pvsystem2 upfccontrol espvlcontrol indmach012 gicsource \
    invcontrol invcontrol2 expcontrol monitor fmonitor energymeter sensor feeder windgen generic5 fault \
    gicline gictransformer vsconverter";

/// Property names in OpenDSS order: it decides what a positional value or a shortened name means.
const TABLE: &[(Class, &str, &str)] = &[
    (
        Class::Line,
        "line",
        "bus1 bus2 linecode length phases r1 x1 r0 x0 c1 c0 rmatrix xmatrix cmatrix switch rg xg rho geometry \
         units spacing wires earthmodel cncables tscables b1 b0 seasons ratings linetype epsrmedium heightoffset \
         heightunit conductors normamps emergamps faultrate pctperm repair basefreq enabled like",
    ),
    (
        Class::Transformer,
        "transformer",
        "phases windings wdg bus conn kv kva tap %r rneut xneut buses conns kvs kvas taps xhl xht xlt xscarray \
         thermal n m flrise hsrise %loadloss %noloadloss normhkva emerghkva sub maxtap mintap numtaps subname \
         %imag ppm_antifloat %rs bank xfmrcode xrconst x12 x13 x23 leadlag wdgcurrents core rdcohms seasons \
         ratings normamps emergamps faultrate pctperm repair basefreq enabled like",
    ),
    (
        Class::AutoTrans,
        "autotrans",
        "phases windings wdg bus conn kv kva tap %r rdcohms core buses conns kvs kvas taps xhx xht xxt xscarray \
         thermal n m flrise hsrise %loadloss %noloadloss normhkva emerghkva sub maxtap mintap numtaps subname \
         %imag ppm_antifloat %rs bank xfmrcode xrconst leadlag wdgcurrents normamps emergamps faultrate pctperm \
         repair basefreq enabled like",
    ),
    (
        Class::Reactor,
        "reactor",
        "bus1 bus2 phases kvar kv conn rmatrix xmatrix parallel r x rp z1 z2 z0 z rcurve lcurve lmh normamps \
         emergamps faultrate pctperm repair basefreq enabled like",
    ),
    (
        Class::Capacitor,
        "capacitor",
        "bus1 bus2 phases kvar kv conn cmatrix cuf r xl harm numsteps states normamps emergamps faultrate \
         pctperm repair basefreq enabled like",
    ),
    (
        Class::Upfc,
        "upfc",
        "bus1 bus2 refkv pf frequency phases xs tol1 mode vpqmax losscurve vhlimit vllimit climit refkv2 kvarlimit \
         element spectrum basefreq enabled like",
    ),
    (
        Class::Load,
        "load",
        "phases bus1 kv kw pf model yearly daily duty growth conn kvar rneut xneut status class vminpu vmaxpu \
         vminnorm vminemerg xfkva allocationfactor kva %mean %stddev cvrwatts cvrvars kwh kwhdays cfactor \
         cvrcurve numcust zipv %seriesrl relweight vlowpu puxharm xrharm spectrum basefreq enabled like",
    ),
    (
        Class::Vsource,
        "vsource",
        "bus1 basekv pu angle frequency phases mvasc3 mvasc1 x1r1 x0r0 isc3 isc1 r1 x1 r0 x0 scantype sequence \
         bus2 z1 z0 z2 puz1 puz0 puz2 basemva yearly daily duty model puzideal spectrum basefreq enabled like",
    ),
    (
        Class::SwtControl,
        "swtcontrol",
        "switchedobj switchedterm action lock delay normal state reset basefreq enabled like",
    ),
    (
        Class::Fuse,
        "fuse",
        "monitoredobj monitoredterm switchedobj switchedterm fusecurve ratedcurrent delay action normal state \
         basefreq enabled like",
    ),
    (
        Class::Recloser,
        "recloser",
        "monitoredobj monitoredterm switchedobj switchedterm numfast phasefast phasedelayed groundfast \
         grounddelayed phasetrip groundtrip phaseinst groundinst reset shots recloseintervals delay action \
         tdphfast tdgrfast tdphdelayed tdgrdelayed normal state basefreq enabled like",
    ),
    (
        Class::Relay,
        "relay",
        "monitoredobj monitoredterm switchedobj switchedterm type phasecurve groundcurve phasetrip groundtrip \
         tdphase tdground phaseinst groundinst reset shots recloseintervals delay overvoltcurve undervoltcurve \
         kvbase 47%pickup 46baseamps 46%pickup 46isqt variable overtrip undertrip breakertime action z1mag z1ang \
         z0mag z0ang mphase mground eventlog debugtrace distreverse normal state basefreq enabled like",
    ),
    (
        Class::LineCode,
        "linecode",
        "nphases r1 x1 r0 x0 c1 c0 units rmatrix xmatrix cmatrix basefreq normamps emergamps faultrate pctperm \
         repair kron rg xg rho neutral b1 b0 seasons ratings linetype like",
    ),
    (
        Class::LineGeometry,
        "linegeometry",
        "nconds nphases cond wire x h units normamps emergamps reduce spacing wires cncable tscable cncables \
         tscables seasons ratings linetype like",
    ),
    (Class::LineSpacing, "linespacing", "nconds nphases x h units like"),
    (
        Class::XfmrCode,
        "xfmrcode",
        "phases windings wdg conn kv kva tap %r rneut xneut conns kvs kvas taps xhl xht xlt xscarray thermal n m \
         flrise hsrise %loadloss %noloadloss normhkva emerghkva maxtap mintap numtaps %imag ppm_antifloat %rs x12 \
         x13 x23 rdcohms seasons ratings like",
    ),
];

/// What a class name means here.
pub(super) enum Known {
    /// It matters.
    Here(Class),
    /// It does not matter.
    PassedOver,
    /// It might matter and is not understood.
    No,
}

impl Class {
    pub(super) fn of(word: &str) -> Option<Class> {
        let row = TABLE.iter().find(|(_, name, _)| name.eq_ignore_ascii_case(word));
        row.map(|row| row.0)
    }

    pub(super) fn known(word: &str) -> Known {
        match Class::of(word) {
            Some(class) => Known::Here(class),
            None if PASSED_OVER
                .split_whitespace()
                .any(|name| name.eq_ignore_ascii_case(word)) =>
            {
                Known::PassedOver
            }
            None => Known::No,
        }
    }

    fn row(self) -> &'static (Class, &'static str, &'static str) {
        TABLE
            .iter()
            .find(|row| row.0 == self)
            .expect("every class has a row in the table above")
    }

    pub(super) fn name(self) -> &'static str {
        self.row().1
    }

    fn properties(self) -> impl Iterator<Item = &'static str> {
        self.row().2.split_whitespace()
    }

    /// The position of a property, named in full or as the beginning of the first name it fits.
    pub(super) fn property(self, word: &str) -> Option<usize> {
        let exact = self.properties().position(|name| name == word);
        exact.or_else(|| {
            self.properties()
                .position(|name| !word.is_empty() && name.starts_with(word))
        })
    }

    /// The name at a position; empty behind the last.
    pub(super) fn property_at(self, at: usize) -> &'static str {
        self.properties().nth(at).unwrap_or_default()
    }

    /// Does it switch another device.
    pub(super) fn is_control(self) -> bool {
        matches!(
            self,
            Class::SwtControl | Class::Fuse | Class::Recloser | Class::Relay
        )
    }

    /// Does it become a row of the network.
    pub(super) fn makes_rows(self) -> bool {
        !self.is_control() && !self.is_code() && self != Class::Vsource
    }

    fn is_code(self) -> bool {
        matches!(
            self,
            Class::LineCode | Class::LineGeometry | Class::LineSpacing | Class::XfmrCode
        )
    }
}
