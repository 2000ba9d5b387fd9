// Where the programs for this machine are: in a package of their own, which npm chooses.
'use strict';

const path = require('path');

exports.find = function find(program) {
  const name = `@ostler-pm/${process.platform}-${process.arch}`;
  try {
    return { path: path.join(path.dirname(require.resolve(`${name}/package.json`)), 'bin', program) };
  } catch {
    const known = require('../package.json').optionalDependencies;
    const error = `error: the package \`${name}\`, which has the program for this machine, is not installed`;
    const hint = known[name]
      ? 'install without `--omit=optional` (`--no-optional`), and on the machine where ostler runs'
      : `there are packages for ${Object.keys(known).map((of) => of.split('/')[1]).join(', ')}`;
    return { error: `${error}\nhint: ${hint}` };
  }
};
