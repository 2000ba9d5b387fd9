exports.default = undefined;
