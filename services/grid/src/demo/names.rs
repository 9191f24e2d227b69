//! Lists that names are drawn from.

/// First parts of street names, Chinese and English.
pub(super) const STREETS: &[(&str, &str)] = &[
    ("人民", "Renmin"),
    ("解放", "Jiefang"),
    ("中山", "Zhongshan"),
    ("建设", "Jianshe"),
    ("和平", "Heping"),
    ("文化", "Wenhua"),
    ("新华", "Xinhua"),
    ("胜利", "Shengli"),
    ("朝阳", "Chaoyang"),
    ("光明", "Guangming"),
    ("青年", "Qingnian"),
    ("团结", "Tuanjie"),
    ("幸福", "Xingfu"),
    ("长江", "Changjiang"),
    ("黄河", "Huanghe"),
    ("滨河", "Binhe"),
    ("湖滨", "Hubin"),
    ("学院", "Xueyuan"),
    ("工业", "Gongye"),
    ("站前", "Zhanqian"),
    ("迎宾", "Yingbin"),
    ("富强", "Fuqiang"),
    ("振兴", "Zhenxing"),
    ("梧桐", "Wutong"),
    ("银杏", "Yinxing"),
    ("桂花", "Guihua"),
    ("海棠", "Haitang"),
    ("玉兰", "Yulan"),
    ("东风", "Dongfeng"),
    ("春晖", "Chunhui"),
    ("明月", "Mingyue"),
    ("清泉", "Qingquan"),
    ("金桥", "Jinqiao"),
    ("翠屏", "Cuiping"),
    ("凤凰", "Fenghuang"),
    ("龙泉", "Longquan"),
    ("茶园", "Chayuan"),
    ("枫林", "Fenglin"),
    ("石桥", "Shiqiao"),
    ("望江", "Wangjiang"),
    ("祥云", "Xiangyun"),
    ("秋实", "Qiushi"),
    ("向阳", "Xiangyang"),
    ("花园", "Huayuan"),
    ("北辰", "Beichen"),
    ("南苑", "Nanyuan"),
    ("紫薇", "Ziwei"),
    ("松涛", "Songtao"),
    ("竹海", "Zhuhai"),
    ("梅岭", "Meiling"),
    ("听雨", "Tingyu"),
];

/// Family names.
pub(super) const FAMILIES: &[&str] = &[
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何",
    "林", "高", "罗", "郑", "梁", "谢", "宋", "唐", "许", "韩", "冯", "邓", "曹", "彭", "曾", "萧", "田",
    "董", "潘",
];

/// Given names.
pub(super) const GIVEN: &[&str] = &[
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超",
    "霞", "平", "刚", "桂英", "建华", "志强", "秀兰", "晓燕", "海燕", "雪梅", "子轩", "雨桐", "浩然", "欣怡",
    "梓涵", "思远", "佳琪", "文博", "嘉怡", "俊杰", "玉珍", "国庆", "春梅", "立新", "小红", "家豪", "诗涵",
    "一鸣",
];

/// English first names.
pub(super) const FIRST: &[&str] = &[
    "Alice", "Brian", "Clara", "David", "Emma", "Frank", "Grace", "Henry", "Irene", "James", "Karen", "Liam",
    "Maria", "Noah", "Olivia", "Peter", "Rosa", "Samuel", "Tara", "Victor",
];

/// English family names.
pub(super) const LAST: &[&str] = &[
    "Adams", "Baker", "Clark", "Dixon", "Evans", "Fisher", "Grant", "Hughes", "Irwin", "Jones", "Keller",
    "Lewis", "Morgan", "Nolan", "Owens", "Parker", "Reid", "Stone", "Turner", "Walsh",
];

/// Important customers: name, English name, has own engine.
pub(super) const IMPORTANT: &[(&str, &str, bool)] = &[
    ("示例市第一医院", "Demo City First Hospital", true),
    ("示例市自来水厂", "Demo City Waterworks", true),
    ("示例市第二中学", "Demo City Second School", false),
    ("示例市通信枢纽", "Demo City Telecom Hub", true),
    ("示例市热力站", "Demo City Heating Station", false),
    ("示例市汽车站", "Demo City Coach Station", false),
    ("示例市福利院", "Demo City Care Home", true),
    ("示例市急救中心", "Demo City Ambulance Centre", true),
    ("示例市实验幼儿园", "Demo City Kindergarten", false),
    ("示例市污水处理厂", "Demo City Sewage Works", true),
];

/// Customers with a line of their own.
pub(super) const DEDICATED: &[(&str, &str)] = &[
    ("示例化工有限公司", "Demo Chemical Works"),
    ("示例半导体有限公司", "Demo Semiconductor"),
    ("示例纺织厂", "Demo Textile Mill"),
    ("示例数据中心", "Demo Data Centre"),
    ("示例铸造厂", "Demo Foundry"),
    ("示例冷链物流园", "Demo Cold Store"),
];
